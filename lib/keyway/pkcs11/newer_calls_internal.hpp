// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>

#include <memory>
#include <string>

namespace keyway::pkcs11 {

/// What PKCS#11 3.0 added to the calls, as far as Keyway uses it.
struct NewerCalls {
    CK_RV (*C_LoginUser)(CK_SESSION_HANDLE session,
                         CK_USER_TYPE who,
                         CK_UTF8CHAR* pin,
                         CK_ULONG pin_size,
                         CK_UTF8CHAR* name,
                         CK_ULONG name_size) = nullptr;
    CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE session, CK_FLAGS operations) = nullptr;

    /// Keeps the library that they are in.
    std::shared_ptr<void> library;
};

/// Asks the library of a loaded module for them by its C_GetInterface. Past p11-kit, whose own lists say 2.40 up to version 0.24;
/// neither of the two calls touches what p11-kit keeps of a module, and session handles are the module's own.
///
/// @return null where the module is of PKCS#11 2.40, or is no library of this process (p11-kit's remoting)
/// @spec PKCS#11 3.0 5.4.5 (C_GetInterface)
[[nodiscard]] std::unique_ptr<const NewerCalls> newer_calls(FunctionList& module);

}  // namespace keyway::pkcs11
