// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/pkcs11/uri.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace keyway::pkcs11 {

/// What a token says of itself.
/// @spec PKCS#11 3.1 3.2 (CK_TOKEN_INFO)
struct KEYWAY_API TokenInfo {
    unsigned long slot = 0;  ///< changes when tokens come and go: nothing is to be addressed by it
    std::string label;
    std::string serial;
    std::string manufacturer;
    std::string model;
    bool initialized = false;
    bool login_required = false;
    bool pin_pad = false;  ///< the PIN is entered at the token itself (CKF_PROTECTED_AUTHENTICATION_PATH)
    bool write_protected = false;
    bool user_pin_initialized = false;
    bool user_pin_count_low = false;  ///< a wrong PIN was given since the last right one
    bool user_pin_final_try = false;  ///< one more wrong PIN locks it
    bool user_pin_locked = false;
    std::size_t shortest_pin = 0;  ///< bytes
    std::size_t longest_pin = 0;   ///< bytes
    std::optional<std::size_t> most_sessions;  ///< nothing when the token sets no limit or does not tell

    /// The RFC 7512 URI of this token.
    [[nodiscard]] Uri uri() const;
};

/// Which token is meant; each part that is given has to fit.
struct KEYWAY_API TokenSelector {
    std::optional<std::string> label;
    std::optional<std::string> serial;
    std::optional<std::string> manufacturer;
    std::optional<std::string> model;

    [[nodiscard]] bool fits(const TokenInfo& token) const;

    /// For messages: `with label "ca"`; "at all" when nothing is asked for.
    [[nodiscard]] std::string to_string() const;
};

/// The one initialised token that fits.
///
/// @throws Errc::token_not_found, Errc::token_ambiguous with the candidates
[[nodiscard]] KEYWAY_API TokenInfo select_token(const std::vector<TokenInfo>& tokens,
                                                const TokenSelector& selector,
                                                std::string_view module_name);

}  // namespace keyway::pkcs11
