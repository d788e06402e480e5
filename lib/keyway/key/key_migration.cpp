// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_migration.hpp>
#include <keyway/key/migration_proof_internal.hpp>
#include <keyway/key/offered_kinds_internal.hpp>
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

/// From token to token, encrypted under a key of the receiving one. Nothing when the two cannot do it among themselves, and the key
/// has to go through this process.
struct WrappedWay {
    const WrappedKeySender* sender;
    WrappedKeyReceiver* receiver;
};

std::optional<WrappedWay> wrapped_way(const KeyMigration& migration) {
    const auto* const sender = dynamic_cast<const WrappedKeySender*>(&migration.from);
    auto* const receiver = dynamic_cast<WrappedKeyReceiver*>(&migration.to);
    if(sender == nullptr || receiver == nullptr) {
        return std::nullopt;
    }
    return WrappedWay{sender, receiver};
}

/// Why not, where both are of the kind that could.
std::optional<Error> in_the_way(const WrappedWay& way, const KeyMigration& migration) {
    if(auto error = way.sender->check_send(migration.ref, migration.use)) {
        return error;
    }
    return way.receiver->check_receive(migration.store);
}

/// What a listing says of a key; empty where it says nothing.
std::string attribute_of(const KeyMigration& migration, std::string_view name) {
    const auto* const lister = dynamic_cast<const KeyLister*>(&migration.from);
    if(lister == nullptr) {
        return {};
    }
    for(const auto& key : lister->list(migration.use).keys) {
        if(key.ref.locator() == migration.ref.locator()) {
            for(const auto& [attribute, value] : key.attributes) {
                if(attribute == name) {
                    return value;
                }
            }
        }
    }
    return {};
}

/// @param why in the way between two that could do it, if anything
Error cannot_leave(const KeyMigration& migration, const Error* why = nullptr) {
    const auto what = "the private key of " + in_quotes(migration.ref.to_string()) + " cannot leave backend " +
                      in_quotes(migration.from.alias().str());
    const std::string renew = "sign with it where it is, or make a new key in backend " +
                              in_quotes(migration.to.alias().str()) + " and have it certified in the old one's place";
    const auto extractable = attribute_of(migration, "extractable");
    if(extractable == "no") {
        return {Errc::unsupported, what + ": the token keeps it for good (CKA_EXTRACTABLE is false)",
                renew};
    }
    if(why != nullptr) {
        // What was lacking, or what failed in asking: that is the error then.
        return Error(why->code(), what + ": " + why->message(), why->code() == Errc::unsupported ? why->hint() + "; or " + renew : why->hint())
            .with_return_value(why->return_value());
    }
    if(extractable == "yes") {
        return {Errc::unsupported,
                what + " for backend " + in_quotes(migration.to.alias().str()) +
                    ": the token gives it out encrypted for another token only",
                renew};
    }
    return {Errc::unsupported, what + ": the backend hands out no private keys", renew};
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
    auto* const remover = dynamic_cast<KeyRemover*>(&migration.to);
    try {
        if(remover != nullptr) {
            remover->remove(made, migration.use_new);
            return;
        }
    } catch(const std::exception&) {
        // told below
    }
    std::throw_with_nested(Error(Errc::storage_failed,
                                 "the key was stored in backend " + in_quotes(migration.to.alias().str()) +
                                     " but the move failed, and it could not be removed again",
                                 "its reference is " + made.to_string())
                               .in_backend(migration.to.alias().str()));
}

KeyRef moved(const KeyMigration& migration, const Botan::Public_Key& public_half, MigrationWay& way) {
    const auto* const exporter = dynamic_cast<const KeyExporter*>(&migration.from);
    if(const auto wrapped = wrapped_way(migration)) {
        const auto why = in_the_way(*wrapped, migration);
        if(!why) {
            way = MigrationWay::wrapped;
            return wrapped->receiver->receive(public_half, migration.store, [&](const TransportKey& under) {
                return wrapped->sender->send(migration.ref, under, migration.use);
            });
        }
        if(exporter == nullptr) {
            throw cannot_leave(migration, &*why).in_backend(migration.from.alias().str());
        }
    }
    if(exporter == nullptr) {
        throw cannot_leave(migration).in_backend(migration.from.alias().str());
    }
    way = MigrationWay::import;
    return migration.to.store(*exporter->export_key(migration.ref, migration.use), migration.store);
}

}  // namespace

void require_movable(const KeyMigration& migration) {
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
    if(dynamic_cast<const KeyExporter*>(&migration.from) != nullptr) {
        return;
    }
    const auto wrapped = wrapped_way(migration);
    const auto why = wrapped ? in_the_way(*wrapped, migration) : std::nullopt;
    if(!wrapped || why) {
        throw cannot_leave(migration, why ? &*why : nullptr).in_backend(migration.from.alias().str());
    }
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
