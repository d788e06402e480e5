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
    std::string init_args;  ///< handed to its C_Initialize as pReserved; empty: nothing
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

/// The empty token that init_token would take.
/// @throws Errc::already_exists when a token of that label is there; Errc::token_not_found when none is empty
[[nodiscard]] KEYWAY_API TokenInfo find_empty_token(const ModuleName& module, const NewToken& wanted);

/// Initialises an empty token, with a security officer's and a user's PIN. A token that holds anything is never touched.
///
/// @throws Errc::unsupported when the token's quirk profile says that its module does not initialise tokens
/// @throws Errc::already_exists when a token of that label is there; Errc::token_not_found when none is empty
/// @throws Errc::pin_incorrect when the token does not take a PIN (too short, too weak)
KEYWAY_API TokenInfo init_token(const ModuleName& module, const NewToken& wanted);

/// Whether a login may be tried that locks the token when the PIN is wrong; as_a_program: nor one that follows a wrong one.
enum class LastTry { refuse, risk, as_a_program };

/// Logs in once and out again, which shows that the PIN is right and takes back what the token remembers of wrong ones.
/// For a person to ask for: it is done although the last PIN tried was wrong, when unattended programs do not log in any more.
///
/// @param user_pin read only when it is needed; not at all for a token with a PIN pad
/// @param user_name of the user whose PIN it is, for tokens with several (C_LoginUser); empty for the only one
/// @return the token as it is then
/// @throws Errc::pin_incorrect, Errc::pin_locked; Errc::token_not_found, Errc::token_ambiguous
/// @throws Errc::unsupported when a user is named and the module knows none by name
KEYWAY_API TokenInfo log_in_once(const ModuleName& module,
                                 const TokenSelector& token,
                                 const std::function<Secret()>& user_pin,
                                 LastTry last_try = LastTry::refuse,
                                 const std::string& user_name = {});

}  // namespace keyway::pkcs11
