// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_migration.hpp>
#include <keyway/key/migration_proof_internal.hpp>
#include <keyway/key/offered_kinds_internal.hpp>
#include <keyway/key/transport_in_memory_internal.hpp>
#include <keyway/key/wrapped_transfer.hpp>

#include <botan/pk_keys.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>

#include <optional>
#include <utility>

namespace keyway {

KeyExporter::~KeyExporter() = default;
WrappedKeySender::~WrappedKeySender() = default;
WrappedKeyReceiver::~WrappedKeyReceiver() = default;

namespace {

constexpr std::size_t challenge_size = 32;

/// What the two backends could do.
struct Means {
    const WrappedKeySender* sender;
    WrappedKeyReceiver* receiver;
    const KeyExporter* exporter;
};

Means means_of(const KeyMigration& migration) {
    return {.sender = dynamic_cast<const WrappedKeySender*>(&migration.from),
            .receiver = dynamic_cast<WrappedKeyReceiver*>(&migration.to),
            .exporter = dynamic_cast<const KeyExporter*>(&migration.from)};
}

/// @param why in the way between two that could do it, if anything
Error cannot_leave(const KeyMigration& migration, const Error* why = nullptr) {
    const auto what = "the private key of " + in_quotes(migration.ref.to_string()) + " cannot leave backend " +
                      in_quotes(migration.from.alias().str());
    const auto renew = "make a new key in backend " + in_quotes(migration.to.alias().str()) + " and have it certified in the old one's place";
    if(why == nullptr) {
        return Error(Errc::unsupported, what + ": the backend hands out no private keys", "sign with it where it is, or " + renew)
            .in_backend(migration.from.alias().str());
    }
    // What was lacking, or what failed in asking: that is the error then.
    return Error(why->code(), what + ": " + why->message(), why->code() == Errc::unsupported ? why->hint() + "; or " + renew : why->hint())
        .with_return_value(why->return_value())
        .in_backend(why->backend().empty() ? migration.from.alias().str() : why->backend());
}

/// It is the key of the reference by its public half, and does what only that key can do.
void prove(const KeyMigration& migration, const Botan::Private_Key& old_key, MigrationReceipt& receipt) {
    const auto new_key = migration.to.use(receipt.to, migration.use_new);
    const auto expected = migration.ref.fingerprint();
    for(const auto& found : {SpkiFingerprint::of(old_key), receipt.to.fingerprint(), SpkiFingerprint::of(*new_key)}) {
        if(found != expected) {
            throw Error(Errc::key_mismatch,
                        "the key that came to backend " + in_quotes(migration.to.alias().str()) +
                            " is another one: its SPKI SHA-256 is " + found.to_string(),
                        "the key meant is " + expected.to_string());
        }
    }
    prove_same_key(old_key, *new_key, receipt);
}

/// Takes back the new key, when something failed after it had been stored.
void take_back(const KeyMigration& migration, const KeyRef& made) {
    std::string why;
    try {
        throw;
    } catch(const std::exception& error) {
        why = error.what();
    }
    try {
        if(auto* const remover = dynamic_cast<KeyRemover*>(&migration.to)) {
            remover->remove(made, migration.use_new);
            return;
        }
    } catch(const std::exception&) {
        // told below
    }
    std::throw_with_nested(Error(Errc::storage_failed,
                                 "the key was stored in backend " + in_quotes(migration.to.alias().str()) +
                                     " but the move failed, and it could not be removed again: " + why,
                                 "its reference is " + made.to_string())
                               .in_backend(migration.to.alias().str()));
}

/// What two tokens cannot do among themselves this process can, if it may see the key.
Error through_memory_instead(const Error& error) {
    return Error(error.code(), error.message(),
                 error.hint() + (error.hint().empty() ? "" : "; or ") + "let the key come through this process's memory (--through-memory)")
        .in_backend(error.backend())
        .with_return_value(error.return_value());
}

/// How the key can go: never in clear where it can go encrypted.
/// @throws Errc::unsupported
MigrationWay way_of(const KeyMigration& migration, const Means& means) {
    if(means.sender == nullptr) {
        return means.exporter != nullptr ? MigrationWay::import : throw cannot_leave(migration);
    }
    const auto why_not_sent = means.sender->check_send(migration.ref, migration.use);
    if(why_not_sent) {
        return means.exporter != nullptr ? MigrationWay::import : throw cannot_leave(migration, &*why_not_sent);
    }
    if(means.receiver == nullptr) {
        return MigrationWay::import;
    }
    if(const auto why = means.receiver->check_receive(migration.store)) {
        if(means.exporter != nullptr || migration.through_memory) {
            return MigrationWay::import;
        }
        throw through_memory_instead(cannot_leave(migration, &*why));
    }
    return MigrationWay::wrapped;
}

/// The private key in the memory of this process.
std::unique_ptr<Botan::Private_Key> taken_out(const KeyMigration& migration, const Means& means, const Botan::Public_Key& public_half) {
    if(means.exporter != nullptr) {
        return means.exporter->export_key(migration.ref, migration.use);
    }
    const TransportInMemory transport;
    try {
        return transport.open(means.sender->send(migration.ref, transport.transport_key(), migration.use), public_half);
    } catch(const Error& error) {
        throw Error(error).in_backend(migration.from.alias().str());
    }
}

KeyRef moved(const KeyMigration& migration, const Botan::Public_Key& public_half, MigrationWay& way) {
    const auto means = means_of(migration);
    way = way_of(migration, means);
    if(way == MigrationWay::wrapped) {
        try {
            return means.receiver->receive(public_half, migration.store, [&](const TransportKey& under) {
                return means.sender->send(migration.ref, under, migration.use);
            });
        } catch(const Error& error) {
            // What the two do not have in common shows when it is tried; nothing of it is left.
            if(error.code() != Errc::unsupported && error.code() != Errc::malformed_data) {
                throw;
            }
            if(!migration.through_memory) {
                throw through_memory_instead(error);
            }
            way = MigrationWay::import;
        }
    }
    return migration.to.store(*taken_out(migration, means, public_half), migration.store);
}

}  // namespace

MigrationWay require_movable(const KeyMigration& migration) {
    if(const auto error = migration.from.check(migration.ref, migration.use)) {
        throw Error(*error);
    }
    if(!migration.to.capabilities().offers_import(migration.ref.key())) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(migration.to.alias().str()) + " cannot hold a key of type " +
                        in_quotes(migration.ref.key().to_string()),
                    offered_kinds(migration.to.capabilities()) + "; move it to another backend, or make a new key there")
            .in_backend(migration.to.alias().str());
    }
    return way_of(migration, means_of(migration));
}

MigrationReceipt migrate_key(const KeyMigration& migration,
                             const Clock& clock,
                             const std::function<void(const MigrationReceipt&)>& keep) {
    const auto old_key = migration.from.use(migration.ref, migration.use);
    MigrationWay way = MigrationWay::import;
    auto made = moved(migration, *old_key->public_key(), way);
    try {
        const auto challenge = Botan::system_rng().random_vec<std::vector<std::uint8_t>>(challenge_size);
        MigrationReceipt receipt{.from = migration.ref,
                                 .to = made,
                                 .way = way,
                                 .time = clock(),
                                 .challenge = challenge,
                                 .proof = MigrationProof::signatures,
                                 .scheme = {},
                                 .public_key = Botan::X509::PEM_encode(*old_key->public_key()),
                                 .signature_of_old = {},
                                 .signature_of_new = {},
                                 .ephemeral_public_key = {},
                                 .confirmation_of_old = {},
                                 .confirmation_of_new = {}};
        prove(migration, *old_key, receipt);
        if(keep) {
            keep(receipt);
        }
        return receipt;
    } catch(...) {
        take_back(migration, made);
        throw;
    }
}

}  // namespace keyway
