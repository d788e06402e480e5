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

/// @throws Errc::already_exists when a private secret key, or a key pair, has this label, or such a secret key this id
void require_free_names(const Session& session, const NewWrappingKey& key, std::string_view token_name);

/// Makes the key, whose names were seen to be free; unless it is kept, it goes again.
/// @throws Errc::invalid_argument for another size
/// @throws Errc::unsupported, Errc::token_failed when the token does not make it
[[nodiscard]] CK_OBJECT_HANDLE generate_wrapping_key(const Session& session,
                                                     const NewWrappingKey& key,
                                                     std::string_view token_name,
                                                     NewObjects& made);

/// Looks again whether the label of a key that was just made is its alone: tokens do not keep labels unique, and who looked before
/// may have seen it free as well. Of those who made one at the same time, one stays: the one whose id comes first, which waits until
/// the others are gone.
/// @throws Errc::already_exists when the key is to go again
void require_alone(const Session& session, const NewWrappingKey& key, std::string_view token_name);

/// The one AES key that fits and may wrap, and cannot leave the token.
/// @throws Errc::key_not_found, Errc::key_ambiguous with the candidates; Errc::unsupported when it may not wrap and unwrap
[[nodiscard]] CK_OBJECT_HANDLE find_wrapping_key(const Session& session,
                                                 const KeySelector& selector,
                                                 std::string_view token_name);

/// Whether there is an AES key of these names, whatever it may be used for.
[[nodiscard]] bool has_wrapping_key(const Session& session, const KeySelector& selector);

/// One AES key in a listing.
struct ListedWrappingKey {
    std::string label;
    std::vector<std::uint8_t> id;
    std::size_t bytes = 0;
    bool extractable = false;
    bool sensitive = true;
};

/// The AES keys that may wrap and unwrap, by label and id.
[[nodiscard]] std::vector<ListedWrappingKey> list_wrapping_keys(const Session& session);

/// Destroys the one AES key that fits and may wrap. What it has wrapped cannot be unwrapped by anything any more.
/// @throws as find_wrapping_key
void destroy_wrapping_key(const Session& session, const KeySelector& selector, std::string_view token_name);

/// Destroys whatever secret key has this label and this id: what is left of one that could not be made whole.
void destroy_named(const Session& session, const NewWrappingKey& key);

}  // namespace keyway::pkcs11
