// SPDX-License-Identifier: BSD-2-Clause
#include "sessions.hpp"

#include <algorithm>

namespace pkcs11_fault {

bool Sessions::begin_opening(CK_SLOT_ID slot, std::optional<std::uint64_t> most) {
    const std::lock_guard lock(mutex_);
    std::size_t& opening = opening_[slot];
    if (most && count_open(slot) + opening >= *most) {
        return false;
    }
    ++opening;
    return true;
}

void Sessions::end_opening(CK_SLOT_ID slot) {
    // None is left when the module was finalised meanwhile.
    if (std::size_t& opening = opening_[slot]; opening != 0) {
        --opening;
    }
}

void Sessions::not_opened(CK_SLOT_ID slot) {
    const std::lock_guard lock(mutex_);
    end_opening(slot);
}

void Sessions::opened(CK_SESSION_HANDLE handle, CK_SLOT_ID slot) {
    const std::lock_guard lock(mutex_);
    end_opening(slot);
    open_[handle] = {slot, ++opened_, std::chrono::steady_clock::now(), false};
}

void Sessions::closed(CK_SESSION_HANDLE handle) {
    const std::lock_guard lock(mutex_);
    open_.erase(handle);
}

std::vector<CK_SESSION_HANDLE> Sessions::take(std::optional<CK_SLOT_ID> slot) {
    const std::lock_guard lock(mutex_);
    std::vector<CK_SESSION_HANDLE> taken;
    std::erase_if(open_, [&](const auto& entry) {
        const bool wanted = !slot || entry.second.slot == *slot;
        if (wanted) {
            taken.push_back(entry.first);
        }
        return wanted;
    });
    return taken;
}

std::vector<CK_SESSION_HANDLE> Sessions::take_idle(CK_SLOT_ID slot, SteadyTime limit) {
    const std::lock_guard lock(mutex_);
    std::vector<CK_SESSION_HANDLE> taken;
    std::erase_if(open_, [&](const auto& entry) {
        const SessionState& state = entry.second;
        const bool idle = state.slot == slot && !state.busy && state.last_used < limit;
        if (idle) {
            taken.push_back(entry.first);
        }
        return idle;
    });
    return taken;
}

std::optional<SessionState> Sessions::begin(CK_SESSION_HANDLE handle) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(handle);
    if (found == open_.end()) {
        return std::nullopt;
    }
    found->second.busy = true;
    return found->second;
}

void Sessions::end(CK_SESSION_HANDLE handle) {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(handle); found != open_.end()) {
        found->second.busy = false;
        found->second.last_used = std::chrono::steady_clock::now();
    }
}

std::optional<SessionState> Sessions::find(CK_SESSION_HANDLE handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(handle);
    return found == open_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<CK_SESSION_HANDLE> Sessions::any_of(CK_SLOT_ID slot) const {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : open_) {
        if (entry.second.slot == slot) {
            return entry.first;
        }
    }
    return std::nullopt;
}

std::size_t Sessions::count(CK_SLOT_ID slot) const {
    const std::lock_guard lock(mutex_);
    return count_open(slot);
}

std::size_t Sessions::count_open(CK_SLOT_ID slot) const {
    return static_cast<std::size_t>(
        std::count_if(open_.begin(), open_.end(), [&](const auto& entry) { return entry.second.slot == slot; }));
}

std::vector<CK_SLOT_ID> Sessions::slots() const {
    const std::lock_guard lock(mutex_);
    std::vector<CK_SLOT_ID> slots;
    for (const auto& entry : open_) {
        slots.push_back(entry.second.slot);
    }
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    return slots;
}

void Sessions::forget_all() {
    const std::lock_guard lock(mutex_);
    open_.clear();
    opening_.clear();
    opened_ = 0;
}

} // namespace pkcs11_fault
