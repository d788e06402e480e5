// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/key_protection_internal.hpp>
#include <keyway/core/error.hpp>

#include <exception>
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

/// Errors that say of the record what is wrong, and not of the key that is to open it.
bool is_of_the_record(const Error& error) {
    return error.code() == Errc::malformed_data || error.code() == Errc::key_mismatch;
}

/// @param otherwise what it means that the key cannot be used
Error of_wrapping_key(const WrappingKeyName& name, const std::string& where, const Error& error, std::string_view otherwise) {
    return Error(error.code(),
                 "the wrapping key " + in_quotes(name.short_name()) + " of the database " + in_quotes(where) +
                     " cannot be used: " + error.message(),
                 error.hint() + (error.hint().empty() ? "" : "; ") + std::string(otherwise))
        .with_return_value(error.return_value());
}

/// Whether the record is under an AES key.
bool is_secret_key(const KeyEncryptionKeyRecord& record) {
    return record.wrap_mechanism.starts_with("AES-");
}

}  // namespace

KeyEncryptionKey KeyProtection::with_wrapping_key(const WrappingKeyName& name,
                                                  const std::function<KeyEncryptionKey(const KeyWrapper&)>& work,
                                                  std::string_view otherwise) const {
    if(!wrappers_) {
        throw Error(Errc::unsupported, "the keys of the database " + in_quotes(where_) + " are to be wrapped by the key " +
                                           in_quotes(name.short_name()) + ", but this program hands no key of another backend in",
                    "open the backend by a keyway::Keyring, or set BackendContext::wrappers");
    }
    const auto opened = [&] {
        try {
            auto wrapper = wrappers_(name);
            return wrapper ? std::move(wrapper) : throw Error(Errc::key_not_found, "the backend that has it knows no such key");
        } catch(const Error& error) {
            std::throw_with_nested(of_wrapping_key(name, where_, error, otherwise));
        }
    }();
    try {
        return work(*opened);
    } catch(const Error& error) {
        if(is_of_the_record(error)) {
            throw;
        }
        std::throw_with_nested(of_wrapping_key(name, where_, error, otherwise));
    }
}

Error KeyProtection::another_wrapping_key(const KeyEncryptionKeyRecord& record,
                                          const WrappingKeyName& name,
                                          const std::string& fingerprint) const {
    return {Errc::key_mismatch,
            "the keys of the database " + in_quotes(where_) + " are under another wrapping key than the one meant: its " +
                std::string(is_secret_key(record) ? "fingerprint" : "SPKI SHA-256") + " is " + record.wrapped_by,
            "the option \"wrapping-key\" names " + fingerprint + ", which is " + in_quotes(name.short_name()) +
                "; name the other one there, if `keyway key rewrap` put the keys under it; or it was replaced or lost: bring it back"};
}

const Secret& KeyProtection::passphrase_of(const Means& means) const {
    try {
        return means.passphrase();
    } catch(const Error& error) {
        if(!means.wrapping_key() || error.code() != Errc::secret_unavailable) {
            throw;
        }
        throw Error(error.code(),
                    "the keys of the database " + in_quotes(where_) + " are under a passphrase, not under the key that \"wrapping-key\" names: " +
                        error.message(),
                    "name the passphrase's source by the option \"passphrase\" in the settings; take \"wrapping-key\" out of them if the keys "
                    "were put under the passphrase by `keyway key rewrap`, or put them under that key by it");
    }
}

KeyEncryptionKey KeyProtection::make(const Means& means) const {
    if(const auto& name = means.wrapping_key()) {
        return with_wrapping_key(*name, [](const KeyWrapper& wrapper) {
            return new_wrapped_key_encryption_key(wrapper, wrapper.fingerprint({}));
        }, "nothing was put under it");
    }
    return new_key_encryption_key(cost_, means.passphrase(), where_);
}

KeyEncryptionKey KeyProtection::open(const KeyEncryptionKeyRecord& record, const Means& means) {
    if(record.kind == KeyEncryptionKind::passphrase) {
        return passphrases_.derive(record, passphrase_of(means), where_);
    }
    const auto& name = means.wrapping_key();
    if(!name) {
        throw Error(Errc::invalid_option,
                    "the keys of the database " + in_quotes(where_) + " are under a key of another backend, whose " +
                        (is_secret_key(record) ? "fingerprint" : "SPKI SHA-256") + " is " + record.wrapped_by,
                    "name that key by the option \"wrapping-key\"");
    }
    // Before any token is asked, where the name tells it.
    if(name->ref() && name->ref()->fingerprint().to_string() != record.wrapped_by) {
        throw another_wrapping_key(record, *name, name->ref()->fingerprint().to_string());
    }
    if(auto found = kept(record, means)) {
        return *std::move(found);
    }
    auto key = with_wrapping_key(*name, [&](const KeyWrapper& wrapper) {
        if(const auto fingerprint = wrapper.fingerprint(record.wrap_mechanism); fingerprint != record.wrapped_by) {
            throw another_wrapping_key(record, *name, fingerprint);
        }
        return unwrap_key_encryption_key(record, wrapper, where_);
    }, "without this key no key of the database can be opened");
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
    unwrapped_by_ = means.wrapping_key();
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
       unwrapped_->record.wrap_signature == record.wrap_signature && unwrapped_->record.wrapped_by == record.wrapped_by &&
       unwrapped_by_ && means.wrapping_key() == unwrapped_by_) {
        return KeyEncryptionKey{record, unwrapped_->bytes};
    }
    return std::nullopt;
}

}  // namespace keyway
