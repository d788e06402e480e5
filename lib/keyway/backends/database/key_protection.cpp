// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/key_protection_internal.hpp>
#include <keyway/core/error.hpp>

#include <memory>

namespace keyway {

namespace {

/// Whether the error says that these means are not the ones, and others may be.
bool is_of_the_means(const Error& error) {
    switch(error.code()) {
        case Errc::passphrase_incorrect:
        case Errc::secret_unavailable:
        case Errc::key_mismatch:
        case Errc::invalid_option:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::unique_ptr<KeyWrapper> KeyProtection::wrapper(const KeyRef& ref) const {
    if(!wrappers_) {
        throw Error(Errc::unsupported, "the keys of the database " + in_quotes(where_) + " are to be wrapped by the key " +
                                           in_quotes(ref.to_string()) + ", but this program hands no key of another backend in",
                    "open the backend by a keyway::Keyring, or set BackendContext::wrappers");
    }
    return wrappers_(ref);
}

KeyEncryptionKey KeyProtection::make(const Means& means) const {
    if(const auto& ref = means.wrapping_key()) {
        return new_wrapped_key_encryption_key(*wrapper(*ref), ref->fingerprint());
    }
    return new_key_encryption_key(cost_, means.passphrase(), where_);
}

KeyEncryptionKey KeyProtection::open(const KeyEncryptionKeyRecord& record, const Means& means) {
    if(record.kind == KeyEncryptionKind::passphrase) {
        return passphrases_.derive(record, means.passphrase(), where_);
    }
    const auto& ref = means.wrapping_key();
    if(!ref) {
        throw Error(Errc::invalid_option,
                    "the keys of the database " + in_quotes(where_) + " are under a key of another backend, whose SPKI SHA-256 is " +
                        record.wrapped_by,
                    "name that key by the option \"wrapping-key\"");
    }
    if(ref->fingerprint().to_string() != record.wrapped_by) {
        throw Error(Errc::key_mismatch,
                    "the keys of the database " + in_quotes(where_) + " are under another wrapping key than the one meant: its SPKI"
                    " SHA-256 is " + record.wrapped_by,
                    "the option \"wrapping-key\" names " + ref->fingerprint().to_string());
    }
    if(auto found = kept(record, means)) {
        return *std::move(found);
    }
    auto key = unwrap_key_encryption_key(record, *wrapper(*ref), where_);
    keep(key, means);
    return key;
}

KeyEncryptionKey KeyProtection::open(const KeyEncryptionKeyRecord& record,
                                     const KeyEncryptionKeyRecords& records,
                                     const Means& means) {
    if(!record.sealed_for_active.empty() && records.active) {
        if(auto found = kept(record, means)) {
            return *std::move(found);
        }
        try {
            return unlock_replaced(record, open(*records.active, means), where_);
        } catch(const Error& error) {
            if(!is_of_the_means(error)) {
                throw;
            }
        }
    }
    return open(record, means);
}

KeyEncryptionKey KeyProtection::open_for_new_keys(const KeyEncryptionKeyRecord& active, const Means& means) {
    // Whoever can write to the database could else have new keys put under a passphrase of theirs.
    if(means.wrapping_key() && active.kind == KeyEncryptionKind::passphrase) {
        throw Error(Errc::invalid_option,
                    "the keys of the database " + in_quotes(where_) + " are under a passphrase, but the settings name a wrapping key",
                    "put them under that key with `keyway key rewrap`, or take the option \"wrapping-key\" away");
    }
    return open(active, means);
}

void KeyProtection::keep(const KeyEncryptionKey& key, const Means& means) {
    if(key.record.kind == KeyEncryptionKind::passphrase) {
        passphrases_.keep(key, means.passphrase());
        return;
    }
    const std::lock_guard lock(mutex_);
    unwrapped_ = key;
}

std::optional<KeyEncryptionKey> KeyProtection::kept(const KeyEncryptionKeyRecord& record, const Means& means) {
    if(record.kind == KeyEncryptionKind::passphrase) {
        try {
            return passphrases_.kept(record, means.passphrase());
        } catch(const Error& error) {
            if(error.code() == Errc::secret_unavailable) {
                return std::nullopt;
            }
            throw;
        }
    }
    const std::lock_guard lock(mutex_);
    // The whole record: one that was changed since is looked at anew.
    if(unwrapped_ && unwrapped_->record.id == record.id && unwrapped_->record.wrapped_key == record.wrapped_key &&
       unwrapped_->record.wrap_signature == record.wrap_signature && means.wrapping_key() &&
       means.wrapping_key()->fingerprint().to_string() == record.wrapped_by) {
        return KeyEncryptionKey{record, unwrapped_->bytes};
    }
    return std::nullopt;
}

}  // namespace keyway
