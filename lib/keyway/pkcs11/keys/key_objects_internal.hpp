// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>
#include <keyway/pkcs11/object_internal.hpp>
#include <keyway/pkcs11/quirks/quirk_numbers_internal.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace Botan {
class Private_Key;
class Public_Key;
}  // namespace Botan

namespace keyway::pkcs11 {

/// How the objects of a key pair are found: by CKA_ID, CKA_LABEL, or both.
struct KeySelector {
    std::optional<std::vector<std::uint8_t>> id;
    std::optional<std::string> label;

    /// For messages: `with label "root" and id 01`.
    [[nodiscard]] std::string to_string() const;
};

/// What a private key may be used for.
struct KeyUsage {
    bool sign = true;
    bool decrypt = false;
    bool unwrap = false;
    bool derive = false;

    /// @param text "sign", "decrypt", "unwrap", "derive", several of them with commas between
    /// @throws Errc::invalid_option
    [[nodiscard]] static KeyUsage parse(std::string_view text);
};

/// What the token's quirk profile says of the objects of new keys.
struct ObjectRules {
    QuirkNumbers::Refused refused{};
    EcPointForm ec_point = EcPointForm::der;
    EcPointForm edwards_point = EcPointForm::der;
    std::optional<std::vector<std::uint8_t>> ed25519_parameters{};  ///< CKA_EC_PARAMS, where the token has its own
    bool public_keys_private = false;
    bool import_private_only = false;

    [[nodiscard]] static ObjectRules of(const QuirkProfile& quirks);
};

/// What is told to the token when key objects are made.
struct NewKey {
    std::string label;
    std::vector<std::uint8_t> id;
    KeyUsage usage;
    bool extractable = false;
    bool always_authenticate = false;  ///< CKA_ALWAYS_AUTHENTICATE; not set unless asked for, as not all tokens know it
    ObjectRules rules{};
};

/// A key pair found in the token.
struct FoundKey {
    CK_OBJECT_HANDLE private_object = CK_INVALID_HANDLE;  ///< CK_INVALID_HANDLE for what is left of a key
    std::vector<CK_OBJECT_HANDLE> public_objects;         ///< none where something else shows the public key
    std::shared_ptr<const Botan::Public_Key> public_key;

    // As the private object has them.
    std::vector<std::uint8_t> id;
    std::string label;                 ///< find_keys reads it only where it decides
    bool may_sign = true;              ///< CKA_SIGN
    bool may_decrypt = true;           ///< CKA_DECRYPT
    bool may_derive = true;            ///< CKA_DERIVE
    bool always_authenticate = false;  ///< CKA_ALWAYS_AUTHENTICATE: each signature wants a login of its own
};

/// The one private key that fits, with its public key.
///
/// @param token_name for messages: `token "ca"`
/// The public key is read from the public object of the same CKA_ID (or of the same label, where the private object has no
/// id), from the private object's own values and from CKA_PUBLIC_KEY_INFO of either; where none of them shows it, from an
/// X.509 certificate of the same CKA_ID.
/// @throws Errc::key_not_found, Errc::key_ambiguous with the candidates; Errc::key_ambiguous too when these show different
///         public keys; Errc::key_not_found too when none does, as it then cannot be told which key it is
/// @throws Errc::malformed_data, Errc::unsupported when what shows it cannot be read
[[nodiscard]] FoundKey find_key(const Session& session, const KeySelector& selector, std::string_view token_name);

/// As find_key, and it is the key of the fingerprint.
/// @throws Errc::key_mismatch with both fingerprints
[[nodiscard]] FoundKey find_key(const Session& session,
                                const KeySelector& selector,
                                const SpkiFingerprint& fingerprint,
                                std::string_view token_name);

/// A key that is looked for among many.
struct WantedKey {
    KeySelector selector;
    SpkiFingerprint fingerprint;
};

/// As find_key with a fingerprint, for many keys with one listing of the token: a search for each would take each time as
/// long as the listing, on tokens that look at all their objects.
///
/// Only what is needed is read: where the id tells one private key and the public key has the label, the label of the
/// private one is not looked at.
/// @return for each wanted key, in the same order
/// @throws Errc::token_failed when the listing fails
[[nodiscard]] std::vector<std::variant<FoundKey, Error>> find_keys(const Session& session,
                                                                   std::span<const WantedKey> wanted,
                                                                   std::string_view token_name);

/// As find_key; where there is no such private key, what is left of one: its public object alone, which stays behind when
/// making or removing a key was cut short.
/// @throws as find_key
[[nodiscard]] FoundKey find_key_or_remains(const Session& session,
                                           const KeySelector& selector,
                                           const SpkiFingerprint& fingerprint,
                                           std::string_view token_name);

/// @throws Errc::already_exists when an AES key has this label, or a private or public key it, or this id: a pair is told by its id, so that
///         a second one under it would be taken for the first
void require_free_names(const Session& session, const NewKey& key, std::string_view token_name);

/// The mechanism that makes a key pair of the kind.
[[nodiscard]] CK_MECHANISM_TYPE generation_mechanism(const KeySpec& spec);

/// Makes a key pair in the token; unless the objects are kept, they go again.
/// @throws Errc::unsupported when the token does not offer the kind of key
[[nodiscard]] FoundKey generate_key(const Session& session, const KeySpec& spec, const NewKey& key, NewObjects& made);

/// Writes a key pair into the token; unless the objects are kept, they go again. A token that shows the public key by itself
/// is given the private one alone.
/// @throws Errc::unsupported when the key does not show its private part
[[nodiscard]] FoundKey import_key(const Session& session,
                                  const Botan::Private_Key& source,
                                  const NewKey& key,
                                  NewObjects& made);

/// Destroys the objects of a key pair: the private one first, so that what is left after a failure is harmless. Public
/// objects stay when another private key has the same id; certificates stay.
void destroy_key(const Session& session, const FoundKey& key);

/// Destroys whatever has this label and this id: what is left of a key that could not be made whole. Only for names that were
/// free before.
void destroy_named(const Session& session, const NewKey& key);

/// One key in a listing.
struct ListedKey {
    bool has_private = true;  ///< false for a public object alone
    std::string label;
    std::vector<std::uint8_t> id;
    std::shared_ptr<const Botan::Public_Key> public_key;  ///< null when the token does not show it, or shows several
    std::optional<Error> fault;                           ///< why there is no public key
    bool extractable = false;
    bool sensitive = true;
};

/// All private keys of the token that one may see, and the public keys that belong to none.
[[nodiscard]] std::vector<ListedKey> list_keys(const Session& session);

/// Lower-case hexadecimal of a CKA_ID.
[[nodiscard]] std::string id_text(const std::vector<std::uint8_t>& id);

}  // namespace keyway::pkcs11
