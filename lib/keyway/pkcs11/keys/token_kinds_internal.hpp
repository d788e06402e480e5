// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_backend.hpp>
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>

namespace keyway::pkcs11 {

/// Which kinds of keys a token makes, and which it takes in.
struct TokenKinds {
    BackendCapabilities made;
    BackendCapabilities imported;

    /// The kinds of either.
    [[nodiscard]] BackendCapabilities either() const;
};

/// By the token's list of mechanisms, their sizes, and what its profile says of curves, which a token cannot be asked for. A token
/// that has no such list is taken to do everything.
///
/// By one who has a Module::Use.
/// @throws Errc::token_failed and others, by call_failed
/// @spec PKCS#11 3.1 5.5.9 (C_GetMechanismList), 5.5.10 (C_GetMechanismInfo)
[[nodiscard]] TokenKinds ask_kinds(FunctionList& calls, CK_SLOT_ID slot, const QuirkProfile& quirks);

}  // namespace keyway::pkcs11
