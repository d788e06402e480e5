// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/backends/database/key_table_internal.hpp>
#include <keyway/backends/database/rewrap_internal.hpp>
#include <keyway/key/key_wrapper.hpp>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace keyway {

/// What one call has to open key-encryption keys with: a passphrase, read when it is needed and once only, and a key of
/// another backend.
class Means {
public:
    /// @param passphrase reads it, or throws why there is none
    /// @param wrapping_key the key by which new key-encryption keys are wrapped; nothing to make them from the passphrase
    Means(std::function<Secret()> passphrase, std::optional<WrappingKeyName> wrapping_key)
        : read_(std::move(passphrase)), wrapping_key_(std::move(wrapping_key)) {}

    [[nodiscard]] const Secret& passphrase() const {
        if(!passphrase_) {
            passphrase_ = read_();
        }
        return *passphrase_;
    }
    [[nodiscard]] const std::optional<WrappingKeyName>& wrapping_key() const noexcept { return wrapping_key_; }

private:
    std::function<Secret()> read_;
    mutable std::optional<Secret> passphrase_;
    std::optional<WrappingKeyName> wrapping_key_;
};

/// Makes and opens the key-encryption keys of a database: of either kind.
///
/// The last one opened stays in wiped memory: Argon2id is worked, or the token asked, once.
/// @threadsafety safe
class KeyProtection {
public:
    /// @param wrappers opens keys of other backends; may be empty
    /// @param where the database, for messages
    KeyProtection(const Argon2Cost& cost, KeyWrapperOpener wrappers, std::string where)
        : cost_(cost), wrappers_(std::move(wrappers)), where_(std::move(where)) {}

    /// A new one: wrapped where there is a wrapping key, else from the passphrase.
    /// @throws Errc::unsupported when this program cannot open keys of other backends; what opening that key throws, said of
    ///         the wrapping key
    [[nodiscard]] KeyEncryptionKey make(const Means& means) const;

    /// @throws Errc::passphrase_incorrect; Errc::key_mismatch when it is wrapped by another key, with both fingerprints;
    ///         Errc::invalid_option when there is no wrapping key; Errc::malformed_data when the record has been changed
    [[nodiscard]] KeyEncryptionKey open(const KeyEncryptionKeyRecord& record, const Means& means);

    /// The key of one of the records; of one that is being replaced also by what opens the one in its place.
    [[nodiscard]] KeyEncryptionKey open(const KeyEncryptionKeyRecord& record,
                                        const KeyEncryptionKeyRecords& records,
                                        const Means& means);

    /// Opens the one that new keys go under.
    /// @throws Errc::invalid_option when it is made from a passphrase, though a wrapping key is wished for
    [[nodiscard]] KeyEncryptionKey open_for_new_keys(const KeyEncryptionKeyRecord& active, const Means& means);

    /// Keeps one that has just been made.
    void keep(const KeyEncryptionKey& key, const Means& means);

private:
    /// @throws Errc::secret_unavailable, with what to change where the settings name a wrapping key in its place
    [[nodiscard]] const Secret& passphrase_of(const Means& means) const;
    /// Does something with the wrapping key; what it throws is told as said of that key.
    /// @param otherwise for the hint: what it means that the key cannot be used
    [[nodiscard]] KeyEncryptionKey with_wrapping_key(const WrappingKeyName& name,
                                                     const std::function<KeyEncryptionKey(const KeyWrapper&)>& work,
                                                     std::string_view otherwise) const;
    [[nodiscard]] Error another_wrapping_key(const KeyEncryptionKeyRecord& record,
                                             const WrappingKeyName& name,
                                             const std::string& fingerprint) const;
    [[nodiscard]] std::optional<KeyEncryptionKey> kept(const KeyEncryptionKeyRecord& record, const Means& means);

    Argon2Cost cost_;
    KeyWrapperOpener wrappers_;
    std::string where_;
    KeyEncryptionKeys passphrases_;
    std::mutex mutex_;
    std::optional<KeyEncryptionKey> unwrapped_;
    std::optional<WrappingKeyName> unwrapped_by_;
};

}  // namespace keyway
