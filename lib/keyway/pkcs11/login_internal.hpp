// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/deadline_internal.hpp>
#include <keyway/pkcs11/pin_provider_internal.hpp>
#include <keyway/pkcs11/session_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>

namespace keyway::pkcs11 {

enum class LoginOutcome {
    joined,  ///< somebody in this process was logged in already: no PIN was read
    done,
};

/// Logs in as the normal user, by this session, for all sessions of the process with the token.
///
/// @throws Errc::pin_incorrect once for a wrong PIN, and again without asking the token when the same one comes back
/// @throws Errc::pin_locked when it is locked, not set, one wrong try from being locked; or when a wrong one was tried last,
///         and the PIN does not come from a person who can say that it is right now
/// @throws Errc::unsupported when the PIN is a named user's, and the module knows no users by name
/// @spec PKCS#11 3.1 5.6.8 (C_Login), 5.6.9 (C_LoginUser)
LoginOutcome log_in_user(const Module& module,
                         const Module::Use& use,
                         CK_SLOT_ID slot,
                         Session& session,
                         const PinProvider& pin,
                         const Deadline& deadline);

/// Shows the PIN once more for one use of a key with CKA_ALWAYS_AUTHENTICATE, behind its C_...Init.
/// @return what C_Login answered; CKR_OK when all is well
/// @throws as log_in_user
[[nodiscard]] CK_RV log_in_for_operation(const Module& module,
                                         CK_SLOT_ID slot,
                                         const Module::Use& use,
                                         const Session& session,
                                         const PinProvider& pin,
                                         const Deadline& deadline);

}  // namespace keyway::pkcs11
