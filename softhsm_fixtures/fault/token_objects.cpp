// SPDX-License-Identifier: BSD-2-Clause
#include "token_objects.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pkcs11_fault {

namespace {

[[nodiscard]] CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    return {type, const_cast<void*>(value), static_cast<CK_ULONG>(size)};
}

} // namespace

OwnSession::OwnSession(const RealModule& real, CK_SLOT_ID slot) : real_(real) {
    CK_SESSION_HANDLE opened = 0;
    const CK_FLAGS flags = CKF_SERIAL_SESSION;
    if (real_.call<Function::C_OpenSession>(slot, flags, static_cast<void*>(nullptr), CK_NOTIFY{}, &opened) == CKR_OK) {
        handle_ = opened;
    }
}

OwnSession::~OwnSession() {
    if (handle_) {
        real_.call<Function::C_CloseSession>(*handle_);
    }
}

std::vector<CK_OBJECT_HANDLE> OwnSession::find(std::vector<CK_ATTRIBUTE> wanted) const {
    std::vector<CK_OBJECT_HANDLE> found;
    const auto size = static_cast<CK_ULONG>(wanted.size());
    if (!handle_ || real_.call<Function::C_FindObjectsInit>(*handle_, wanted.data(), size) != CKR_OK) {
        return found;
    }
    std::array<CK_OBJECT_HANDLE, 64> part{};
    CK_ULONG count = 0;
    const auto most = static_cast<CK_ULONG>(part.size());
    while (real_.call<Function::C_FindObjects>(*handle_, part.data(), most, &count) == CKR_OK && count != 0) {
        found.insert(found.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
    }
    real_.call<Function::C_FindObjectsFinal>(*handle_);
    std::sort(found.begin(), found.end());
    return found;
}

std::optional<CK_ULONG> OwnSession::number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    CK_ULONG value = 0;
    CK_ATTRIBUTE wanted = attribute(type, &value, sizeof value);
    if (!handle_ ||
        real_.call<Function::C_GetAttributeValue>(*handle_, object, &wanted, CK_ULONG{1}) != CKR_OK) {
        return std::nullopt;
    }
    return value;
}

SwappedObjects find_swapped(const OwnSession& session, const KeySwapped& swap) {
    SwappedObjects objects;
    for (const CK_OBJECT_CLASS kind : {CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE}) {
        std::vector<CK_ATTRIBUTE> old_key = {attribute(CKA_CLASS, &kind, sizeof kind)};
        if (swap.label) {
            old_key.push_back(attribute(CKA_LABEL, swap.label->data(), swap.label->size()));
        }
        if (swap.id) {
            old_key.push_back(attribute(CKA_ID, swap.id->data(), swap.id->size()));
        }
        const auto replaced = session.find(old_key);
        const auto with = session.find({attribute(CKA_CLASS, &kind, sizeof kind),
                                        attribute(CKA_LABEL, swap.with.data(), swap.with.size())});
        if (replaced.empty() || with.empty()) {
            continue;
        }
        for (const CK_OBJECT_HANDLE object : replaced) {
            objects.with[object] = with.front();
        }
        objects.has_private_key |= kind == CKO_PRIVATE_KEY || kind == CKO_SECRET_KEY;
    }
    return objects;
}

std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> rotated_handles(const OwnSession& session) {
    std::map<std::pair<std::optional<CK_ULONG>, std::optional<CK_ULONG>>, std::vector<CK_OBJECT_HANDLE>> alike;
    for (const CK_OBJECT_HANDLE object : session.find({})) {
        alike[{session.number(object, CKA_CLASS), session.number(object, CKA_KEY_TYPE)}].push_back(object);
    }
    std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> next;
    for (const auto& group : alike) {
        const auto& objects = group.second;
        for (std::size_t i = 0; i < objects.size(); ++i) {
            next[objects[i]] = objects[(i + 1) % objects.size()];
        }
    }
    return next;
}

} // namespace pkcs11_fault
