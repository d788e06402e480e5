// SPDX-License-Identifier: BSD-2-Clause
#include "objects.hpp"

namespace pkcs11_fault {

namespace {

[[nodiscard]] CK_OBJECT_HANDLE look_up(const std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE>& map, CK_OBJECT_HANDLE key) {
    const auto found = map.find(key);
    return found == map.end() ? key : found->second;
}

} // namespace

CK_OBJECT_HANDLE ObjectHandles::seen(CK_OBJECT_HANDLE real) const {
    if (!differ_) {
        return real;
    }
    const std::lock_guard lock(mutex_);
    return look_up(seen_as_, real) + epoch_ * stride;
}

std::optional<ObjectHandle> ObjectHandles::real(CK_OBJECT_HANDLE seen) const {
    if (!differ_) {
        return ObjectHandle{seen, seen};
    }
    const std::lock_guard lock(mutex_);
    if (seen / stride != epoch_) {
        return std::nullopt;
    }
    const CK_OBJECT_HANDLE identity = look_up(real_of_, seen % stride);
    return ObjectHandle{look_up(swapped_, identity), identity};
}

void ObjectHandles::renumber() {
    const std::lock_guard lock(mutex_);
    ++epoch_;
    differ_ = true;
}

void ObjectHandles::shuffle(const std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE>& next) {
    const std::lock_guard lock(mutex_);
    std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> shuffled;
    for (const auto& [before, after] : next) {
        shuffled[look_up(seen_as_, before)] = after;
    }
    for (const auto& [number, object] : shuffled) {
        real_of_[number] = object;
        seen_as_[object] = number;
    }
    differ_ = true;
}

void ObjectHandles::swap(CK_OBJECT_HANDLE replaced, CK_OBJECT_HANDLE with) {
    const std::lock_guard lock(mutex_);
    swapped_[replaced] = with;
    differ_ = true;
}

void ObjectHandles::forget_all() {
    const std::lock_guard lock(mutex_);
    real_of_.clear();
    seen_as_.clear();
    swapped_.clear();
}

} // namespace pkcs11_fault
