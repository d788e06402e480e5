// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <string_view>

namespace keyway::pkcs11 {

/// What init_token looks at before anything is done: a token whose user PIN is refused at the end would be left half-made.
/// Lengths that the token's profile calls meaningless, and a longest of 0, refuse nothing.
/// @param role "user", "security officer's"
/// @throws Errc::pin_incorrect
void require_length(const Secret& pin, const TokenInfo& token, const QuirkProfile& quirks, std::string_view role);

/// @throws Errc::unsupported when the token's profile says that it is initialised by other means
void require_initialisable(const TokenInfo& token, const QuirkProfile& quirks);

}  // namespace keyway::pkcs11
