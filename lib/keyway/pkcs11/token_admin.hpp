// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/secret.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <functional>
#include <string>
#include <vector>

namespace keyway::pkcs11 {

/// Names a module: the path of its library, or its name in p11-kit's configuration.
struct ModuleName {
    std::string value;
};

/// All tokens that a module shows, initialised or not.
/// @throws Errc::token_not_found when the module cannot be loaded
[[nodiscard]] KEYWAY_API std::vector<TokenInfo> list_tokens(const ModuleName& module);

/// What init_token is to make.
struct NewToken {
    std::string label;  ///< 1 to 32 bytes of UTF-8

    /// Which uninitialised token to take, by serial number; the first one when not given.
    std::optional<std::string> serial;

    /// Read only when they are needed.
    std::function<Secret()> so_pin;
    std::function<Secret()> user_pin;
};

/// Initialises an empty token, with a security officer's and a user's PIN. A token that holds anything is never touched.
///
/// @throws Errc::already_exists when a token of that label is there; Errc::token_not_found when none is empty
/// @throws Errc::pin_incorrect when the token does not take a PIN (too short, too weak)
KEYWAY_API TokenInfo init_token(const ModuleName& module, const NewToken& wanted);

}  // namespace keyway::pkcs11
