// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/core/secret.hpp>
#include <keyway/key/key_wrapper.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace keyway {

/// How much work Argon2id makes of guessing a passphrase.
/// @spec RFC 9106
struct Argon2Cost {
    std::uint64_t memory_kib = 64UL * 1024UL;
    std::uint64_t passes = 3;
    std::uint64_t parallelism = 1;

    // What a database may ask for before it is taken for an attack: about ten seconds, and 1 GiB.
    static constexpr std::uint64_t most_memory_kib = 1024UL * 1024UL;
    static constexpr std::uint64_t most_passes = 100;
    static constexpr std::uint64_t most_work_kib = 4 * most_memory_kib;  ///< memory times passes

    /// Whether it protects the passphrase, and is of the one kind that is made.
    [[nodiscard]] bool is_enough() const noexcept;
    [[nodiscard]] bool is_too_much() const noexcept;
    friend bool operator==(const Argon2Cost&, const Argon2Cost&) = default;
};

/// Where a key-encryption key comes from.
enum class KeyEncryptionKind {
    passphrase,  ///< made from it by Argon2id
    wrapped,     ///< random, and encrypted under the key of another backend
};

/// What a database keeps of a key-encryption key: all but the passphrase or the key that opens it.
struct KeyEncryptionKeyRecord {
    std::string id;  ///< 32 random hexadecimal digits

    // From a passphrase.
    Argon2Cost cost;
    std::string salt;  ///< base64

    std::string check_value;  ///< a constant encrypted under the key, by which a wrong one is known

    /// While the key is being replaced: the key itself, sealed under the active one; else empty.
    std::string sealed_for_active{};

    KeyEncryptionKind kind = KeyEncryptionKind::passphrase;

    // Of one that is wrapped.
    std::string wrapped_by{};       ///< KeyWrapper::fingerprint
    std::string wrap_mechanism{};   ///< WrappedKey::mechanism
    std::string wrapped_key{};      ///< base64
    std::string wrap_signature{};   ///< base64; empty where the wrapping key may not sign
};

/// A key that data keys are encrypted under.
struct KeyEncryptionKey {
    KeyEncryptionKeyRecord record;
    Botan::secure_vector<std::uint8_t> bytes;
};

/// Makes a new record with a random id and salt, and derives its key.
///
/// @param where the database, for messages
/// @throws Errc::storage_failed when there is not enough memory
[[nodiscard]] KeyEncryptionKey new_key_encryption_key(const Argon2Cost& cost,
                                                      const Secret& passphrase,
                                                      const std::string& where);

/// Makes a new record with a random id, and a random key that is wrapped.
/// @param wrapped_by the wrapper's fingerprint
/// @throws what the wrapper throws
[[nodiscard]] KeyEncryptionKey new_wrapped_key_encryption_key(const KeyWrapper& wrapper, const std::string& wrapped_by);

/// Opens a wrapped one.
/// @param where the database, for messages
/// @throws Errc::malformed_data when the record has been changed; what the wrapper throws
[[nodiscard]] KeyEncryptionKey unwrap_key_encryption_key(const KeyEncryptionKeyRecord& record,
                                                         const KeyWrapper& wrapper,
                                                         const std::string& where);

/// Derives keys from passphrases, and keeps the last one, so that opening a second key does not cost Argon2 again.
///
/// What is kept is found by the id of the key *and* by the passphrase (a MAC of it under a key of this object alone):
/// another passphrase always goes through Argon2 and the check value.
/// @threadsafety safe; the derivation is done by one thread at a time
class KeyEncryptionKeys {
public:
    KeyEncryptionKeys();

    /// @param where the database, for messages
    /// @throws Errc::passphrase_incorrect when it is another passphrase than the record was made with
    /// @throws Errc::malformed_data when the record is damaged
    /// @throws Errc::unsupported when it asks for too much work or memory; Errc::storage_failed when there is not enough
    ///         memory
    [[nodiscard]] KeyEncryptionKey derive(const KeyEncryptionKeyRecord& record,
                                          const Secret& passphrase,
                                          const std::string& where);

    /// The key of this record, if it is the last one and was derived from this passphrase; never takes Argon2.
    [[nodiscard]] std::optional<KeyEncryptionKey> kept(const KeyEncryptionKeyRecord& record, const Secret& passphrase);

    void keep(const KeyEncryptionKey& key, const Secret& passphrase);

private:
    struct Kept {
        std::string id;
        Botan::secure_vector<std::uint8_t> passphrase_mac;
        Botan::secure_vector<std::uint8_t> bytes;
    };

    [[nodiscard]] bool is_kept(const KeyEncryptionKeyRecord& record, const Secret& passphrase) const;

    const Botan::secure_vector<std::uint8_t> mac_key_;
    std::mutex mutex_;
    std::optional<Kept> kept_;
};

}  // namespace keyway
