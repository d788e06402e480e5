// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/keys/key_objects_internal.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// An AES key that is to be made in a token, to wrap other keys with and for nothing else.
struct NewWrappingKey {
    std::string label;
    std::vector<std::uint8_t> id;
    std::size_t bytes = 32;  ///< 16, 24 or 32
};

/// Makes the key; unless it is kept, it goes again.
/// @throws Errc::already_exists when a secret key has this label or id; Errc::invalid_argument for another size
/// @throws Errc::unsupported, Errc::token_failed when the token does not make it
[[nodiscard]] CK_OBJECT_HANDLE generate_wrapping_key(const Session& session,
                                                     const NewWrappingKey& key,
                                                     std::string_view token_name,
                                                     NewObjects& made);

/// The one AES key that fits and may wrap.
/// @throws Errc::key_not_found, Errc::key_ambiguous with the candidates; Errc::unsupported when it may not wrap and unwrap
[[nodiscard]] CK_OBJECT_HANDLE find_wrapping_key(const Session& session,
                                                 const KeySelector& selector,
                                                 std::string_view token_name);

/// Whether there is an AES key of these names, whatever it may be used for.
[[nodiscard]] bool has_wrapping_key(const Session& session, const KeySelector& selector);

/// Destroys the one AES key that fits. What it has wrapped cannot be unwrapped by anything any more.
/// @throws as find_wrapping_key
void destroy_wrapping_key(const Session& session, const KeySelector& selector, std::string_view token_name);

}  // namespace keyway::pkcs11
