// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// What find_key, find_keys and list_keys have in common.

[[nodiscard]] Template search_for(CK_OBJECT_CLASS object_class, const KeySelector& selector);

/// The keys to choose from, for a hint; a handful, as a token may hold thousands.
[[nodiscard]] std::string candidates(const Session& session, const std::vector<CK_OBJECT_HANDLE>& objects);

/// The public keys that the objects of one key pair show: they have to agree.
class PublicKeySources {
public:
    /// What a key object says by its values and its CKA_PUBLIC_KEY_INFO. What is damaged, or of a kind that Keyway does
    /// not know, counts only when nothing else shows the key.
    void add(const Attributes& key_object);

    /// A public-key object: CKA_PUBLIC_KEY_INFO is read where its values do not make a key.
    void add_public(const Session& session, CK_OBJECT_HANDLE object, const Attributes& values);

    /// A private-key object that was read without its CKA_PUBLIC_KEY_INFO.
    void add_private(const Session& session, CK_OBJECT_HANDLE object);

    void add_certificate(const Session& session, CK_OBJECT_HANDLE object);

    [[nodiscard]] const std::shared_ptr<const Botan::Public_Key>& key() const noexcept { return key_; }

    /// Of the key.
    [[nodiscard]] const std::optional<SpkiFingerprint>& fingerprint() const noexcept { return fingerprint_; }

    [[nodiscard]] bool disagree() const noexcept { return disagree_; }

    /// @param which the private key, for messages
    /// @throws Errc::key_ambiguous, Errc::key_not_found, Errc::malformed_data, Errc::unsupported unless there is one key
    void require_one(const KeySelector& which, std::string_view token_name) const;

private:
    template <typename Read>
    void take(const Read& read);

    std::shared_ptr<const Botan::Public_Key> key_;
    std::optional<SpkiFingerprint> fingerprint_;
    bool disagree_ = false;
    std::optional<Error> fault_;
};

[[nodiscard]] Error several_private_keys(std::size_t count,
                                         const KeySelector& selector,
                                         const std::string& candidates,
                                         std::string_view token_name);

/// @param all the private keys of the token, as candidates() gives them
[[nodiscard]] Error no_private_key(const KeySelector& selector, const std::string& all, std::string_view token_name);

[[nodiscard]] Error another_key(const KeySelector& selector,
                                const SpkiFingerprint& actual,
                                const SpkiFingerprint& wanted,
                                std::string_view token_name);

}  // namespace keyway::pkcs11
