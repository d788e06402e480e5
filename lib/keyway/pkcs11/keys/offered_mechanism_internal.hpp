// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/session_internal.hpp>

namespace keyway::pkcs11 {

/// Whether the token of the slot has the mechanism, for all of these uses.
/// @param use CKF_WRAP, CKF_UNWRAP, CKF_GENERATE, ...
/// @throws what asking throws, but for CKR_MECHANISM_INVALID: that is a no
/// @spec PKCS#11 3.1 5.5.10
[[nodiscard]] bool offers(FunctionList& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_FLAGS use);

/// The slot of the session's token.
[[nodiscard]] CK_SLOT_ID slot_of(const Session& session);

}  // namespace keyway::pkcs11
