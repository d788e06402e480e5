// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan.hpp"
#include "real_module.hpp"

#include <map>
#include <optional>
#include <vector>

namespace pkcs11_fault {

/// A session of the module's own, which programs do not see.
class OwnSession {
public:
    OwnSession(const RealModule& real, CK_SLOT_ID slot);
    ~OwnSession();
    OwnSession(const OwnSession&) = delete;
    OwnSession& operator=(const OwnSession&) = delete;

    /// Whether it could be opened; otherwise nothing is found with it.
    [[nodiscard]] bool is_open() const noexcept { return handle_.has_value(); }

    [[nodiscard]] std::vector<CK_OBJECT_HANDLE> find(std::vector<CK_ATTRIBUTE> wanted) const;
    [[nodiscard]] std::optional<CK_ULONG> number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

private:
    const RealModule& real_;
    std::optional<CK_SESSION_HANDLE> handle_;
};

/// The objects of a swap that can be seen now.
struct SwappedObjects {
    std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> with; ///< by the object that is replaced
    bool has_private_key = false;                      ///< the secret or private one is among them
};
[[nodiscard]] SwappedObjects find_swapped(const OwnSession& session, const KeySwapped& swap);

/// Each object's handle with that of another of the same class and key type, where there is one.
[[nodiscard]] std::map<CK_OBJECT_HANDLE, CK_OBJECT_HANDLE> rotated_handles(const OwnSession& session);

} // namespace pkcs11_fault
