// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/envelope_internal.hpp>
#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/core/error.hpp>

#include <botan/base64.h>
#include <botan/exceptn.h>
#include <botan/hex.h>
#include <botan/mac.h>
#include <botan/pwdhash.h>
#include <botan/system_rng.h>

#include <array>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace keyway {

namespace {

using Bytes = Botan::secure_vector<std::uint8_t>;

constexpr std::size_t id_size = 16;
constexpr std::size_t salt_size = 16;
constexpr std::array<std::uint8_t, 8> check_constant{'k', 'e', 'y', 'w', 'a', 'y', '-', '1'};

std::vector<std::uint8_t> check_purpose(const KeyEncryptionKeyRecord& record) {
    return record.kind == KeyEncryptionKind::passphrase
               ? associated_data("key-encryption-key-check", {record.id})
               : associated_data("key-encryption-key-check", {record.id, record.wrapped_by, record.wrap_mechanism});
}

std::vector<std::uint8_t> wrap_purpose(const KeyEncryptionKeyRecord& record) {
    return associated_data("key-encryption-key-wrap", {record.id, record.wrapped_by});
}

Error damaged(const std::string& where) {
    return {Errc::malformed_data,
            "the record of how keys are encrypted in the database " + in_quotes(where) + " is damaged",
            "restore the database from a copy"};
}

Bytes argon2id(const KeyEncryptionKeyRecord& record, const Secret& passphrase, const std::string& where) {
    try {
        Bytes key(envelope_key_size);
        Botan::PasswordHashFamily::create_or_throw("Argon2id")
            ->from_params(record.cost.memory_kib, record.cost.passes, record.cost.parallelism)
            ->hash(key, passphrase.reveal(), Botan::base64_decode(record.salt));
        return key;
    } catch(const std::bad_alloc&) {
        throw Error(Errc::storage_failed,
                    "there is not enough memory for the passphrase of the database " + in_quotes(where) +
                        ": Argon2id takes " + std::to_string(record.cost.memory_kib) + " KiB",
                    "give the process more memory; a new database can be made with a smaller \"argon2-memory-kib\"");
    }
}

std::unique_ptr<Botan::MessageAuthenticationCode> hmac_of(const Bytes& key, const Secret& passphrase) {
    auto hmac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
    hmac->set_key(key);
    hmac->update(passphrase.reveal_bytes());
    return hmac;
}

}  // namespace

bool Argon2Cost::is_enough() const noexcept {
    return memory_kib >= 8UL * 1024UL && passes >= 1 && parallelism == 1;
}

bool Argon2Cost::is_too_much() const noexcept {
    return memory_kib > most_memory_kib || passes > most_passes || memory_kib * passes > most_work_kib;
}

KeyEncryptionKey new_key_encryption_key(const Argon2Cost& cost, const Secret& passphrase, const std::string& where) {
    auto& rng = Botan::system_rng();
    KeyEncryptionKey key;
    key.record.id = Botan::hex_encode(rng.random_vec(id_size), false);
    key.record.cost = cost;
    key.record.salt = Botan::base64_encode(rng.random_vec(salt_size));
    key.bytes = argon2id(key.record, passphrase, where);
    key.record.check_value = seal(key.bytes, check_constant, check_purpose(key.record));
    return key;
}

KeyEncryptionKey new_wrapped_key_encryption_key(const KeyWrapper& wrapper, const std::string& wrapped_by) {
    auto& rng = Botan::system_rng();
    KeyEncryptionKey key;
    key.record.id = Botan::hex_encode(rng.random_vec(id_size), false);
    key.record.kind = KeyEncryptionKind::wrapped;
    key.record.wrapped_by = wrapped_by;
    key.bytes = rng.random_vec(envelope_key_size);
    const auto wrapped = wrapper.wrap(Secret(key.bytes), wrap_purpose(key.record));
    key.record.wrap_mechanism = wrapped.mechanism;
    key.record.wrapped_key = Botan::base64_encode(wrapped.bytes);
    key.record.wrap_signature = Botan::base64_encode(wrapped.signature);
    key.record.check_value = seal(key.bytes, check_constant, check_purpose(key.record));
    return key;
}

KeyEncryptionKey unwrap_key_encryption_key(const KeyEncryptionKeyRecord& record,
                                           const KeyWrapper& wrapper,
                                           const std::string& where) {
    const auto decoded = [&](const std::string& text) {
        try {
            const auto bytes = Botan::base64_decode(text);
            return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
        } catch(const Botan::Exception&) {
            throw damaged(where);
        }
    };
    const WrappedKey wrapped{record.wrap_mechanism, decoded(record.wrapped_key), decoded(record.wrap_signature)};
    KeyEncryptionKey key{record, {}};
    try {
        const auto secret = wrapper.unwrap(wrapped, wrap_purpose(record));
        key.bytes.assign(secret.reveal_bytes().begin(), secret.reveal_bytes().end());
    } catch(const Error& error) {
        if(error.code() == Errc::malformed_data) {
            std::throw_with_nested(damaged(where));
        }
        throw;
    }
    if(key.bytes.size() != envelope_key_size || !unseal(key.bytes, record.check_value, check_purpose(record))) {
        throw damaged(where);
    }
    return key;
}

KeyEncryptionKeys::KeyEncryptionKeys() : mac_key_(Botan::system_rng().random_vec(envelope_key_size)) {}

KeyEncryptionKey KeyEncryptionKeys::derive(const KeyEncryptionKeyRecord& record,
                                           const Secret& passphrase,
                                           const std::string& where) {
    if(!record.cost.is_enough()) {
        throw damaged(where);
    }
    if(record.cost.is_too_much()) {
        throw Error(Errc::unsupported,
                    "opening the database " + in_quotes(where) + " would take too much work or memory",
                    "it may have been changed to do harm; restore it from a copy");
    }
    const std::lock_guard lock(mutex_);
    if(is_kept(record, passphrase)) {
        return {record, kept_->bytes};
    }
    Bytes bytes;
    try {
        bytes = argon2id(record, passphrase, where);
    } catch(const Botan::Exception&) {
        throw damaged(where);
    }
    if(!unseal(bytes, record.check_value, check_purpose(record))) {
        throw Error(Errc::passphrase_incorrect,
                    "the passphrase is not the one of the database " + in_quotes(where),
                    "give the passphrase of its first key, or the newest one of keyway key rewrap");
    }
    kept_ = Kept{record.id, hmac_of(mac_key_, passphrase)->final(), bytes};
    return {record, std::move(bytes)};
}

bool KeyEncryptionKeys::is_kept(const KeyEncryptionKeyRecord& record, const Secret& passphrase) const {
    return kept_ && kept_->id == record.id && hmac_of(mac_key_, passphrase)->verify_mac(kept_->passphrase_mac);
}

std::optional<KeyEncryptionKey> KeyEncryptionKeys::kept(const KeyEncryptionKeyRecord& record, const Secret& passphrase) {
    const std::lock_guard lock(mutex_);
    return is_kept(record, passphrase) ? std::optional(KeyEncryptionKey{record, kept_->bytes}) : std::nullopt;
}

void KeyEncryptionKeys::keep(const KeyEncryptionKey& key, const Secret& passphrase) {
    const std::lock_guard lock(mutex_);
    kept_ = Kept{key.record.id, hmac_of(mac_key_, passphrase)->final(), key.bytes};
}

}  // namespace keyway
