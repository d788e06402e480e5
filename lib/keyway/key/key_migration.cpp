// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_migration.hpp>
#include <keyway/key/offered_kinds_internal.hpp>
#include <keyway/key/signature_scheme.hpp>

#include <botan/base64.h>
#include <botan/hex.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace keyway {

KeyExporter::~KeyExporter() = default;

namespace {

constexpr std::size_t challenge_size = 32;

/// From token to token, encrypted under a key that both have: this is where that goes. Nothing when the two cannot do it
/// among themselves, and the key has to go through this process.
std::optional<KeyRef> move_wrapped(const KeyMigration&) {
    return std::nullopt;
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

Error cannot_leave(const KeyMigration& migration) {
    const auto what = "the private key of " + in_quotes(migration.ref.to_string()) + " cannot leave backend " +
                      in_quotes(migration.from.alias().str());
    const std::string renew = "sign with it where it is, or make a new key in backend " +
                              in_quotes(migration.to.alias().str()) + " and have it certified in the old one's place";
    const auto extractable = attribute_of(migration, "extractable");
    if(extractable == "no") {
        return {Errc::unsupported, what + ": the token keeps it for good (CKA_EXTRACTABLE is false)",
                renew};
    }
    if(extractable == "yes") {
        return {Errc::unsupported,
                what + " for backend " + in_quotes(migration.to.alias().str()) +
                    ": the token gives it out encrypted for another token only",
                renew};
    }
    return {Errc::unsupported, what + ": the backend hands out no private keys", renew};
}

std::vector<std::uint8_t> signature(const Botan::Private_Key& key, const SignatureScheme& scheme, const std::string& statement) {
    auto& rng = Botan::system_rng();
    Botan::PK_Signer signer(key, rng, scheme.botan_padding(), scheme.format());
    signer.update(statement);
    return signer.signature(rng);
}

bool is_signed(const Botan::Public_Key& key, const SignatureScheme& scheme, const std::string& statement,
               std::span<const std::uint8_t> signature) {
    Botan::PK_Verifier verifier(key, scheme.botan_padding(), scheme.format());
    verifier.update(statement);
    return verifier.check_signature(signature);
}

/// Both keys sign, each is verified with the public half of the other.
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
    const auto scheme = choose_scheme(old_key);
    const auto statement = receipt.statement();
    receipt.scheme = scheme.name();
    receipt.signature_of_old = signature(old_key, scheme, statement);
    receipt.signature_of_new = signature(*new_key, scheme, statement);
    const auto old_public = old_key.public_key();
    const auto new_public = new_key->public_key();
    if(!is_signed(*new_public, scheme, statement, receipt.signature_of_old) ||
       !is_signed(*old_public, scheme, statement, receipt.signature_of_new)) {
        throw Error(Errc::verification_failed,
                    "the keys in backends " + in_quotes(migration.from.alias().str()) + " and " +
                        in_quotes(migration.to.alias().str()) + " do not verify each other's signatures",
                    "the key stays where it was; check the token or the machine");
    }
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

KeyRef moved(const KeyMigration& migration, MigrationWay& way) {
    if(auto made = move_wrapped(migration)) {
        way = MigrationWay::wrapped;
        return std::move(*made);
    }
    const auto* const exporter = dynamic_cast<const KeyExporter*>(&migration.from);
    if(exporter == nullptr) {
        throw cannot_leave(migration).in_backend(migration.from.alias().str());
    }
    way = MigrationWay::import;
    return migration.to.store(*exporter->export_key(migration.ref, migration.use), migration.store);
}

}  // namespace

std::string MigrationReceipt::statement() const {
    return "keyway-migration-1\nfrom " + from.to_string() + "\nto " + to.to_string() + "\ntime " + to_iso_8601(time) +
           "\nchallenge " + Botan::hex_encode(challenge, false) + "\n";
}

std::string MigrationReceipt::to_json() const {
    const nlohmann::ordered_json json{
        {"keyway-migration", 1},
        {"time", to_iso_8601(time)},
        {"how", way == MigrationWay::import ? "import" : "wrapped"},
        {"from", from.to_string()},
        {"to", to.to_string()},
        {"type", to.key().to_string()},
        {"spki-sha256", to.fingerprint().to_string()},
        {"public-key", public_key},
        {"challenge", Botan::hex_encode(challenge, false)},
        {"statement", statement()},
        {"scheme", scheme},
        {"signature-of-old", Botan::base64_encode(signature_of_old)},
        {"signature-of-new", Botan::base64_encode(signature_of_new)},
    };
    return json.dump(2) + "\n";
}

void require_movable(const KeyMigration& migration) {
    if(const auto error = migration.from.check(migration.ref, migration.use)) {
        throw Error(*error);
    }
    if(!migration.ref.key().can_sign()) {
        throw Error(Errc::unsupported,
                    "a key of type " + in_quotes(migration.ref.key().to_string()) + " cannot sign, and so cannot be proven to have moved",
                    "make a new key in backend " + in_quotes(migration.to.alias().str()));
    }
    if(!migration.to.capabilities().offers_import(migration.ref.key())) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(migration.to.alias().str()) + " cannot hold a key of type " +
                        in_quotes(migration.ref.key().to_string()),
                    offered_kinds(migration.to.capabilities()) + "; move it to another backend, or make a new key there")
            .in_backend(migration.to.alias().str());
    }
    if(dynamic_cast<const KeyExporter*>(&migration.from) == nullptr) {
        throw cannot_leave(migration).in_backend(migration.from.alias().str());
    }
}

MigrationReceipt migrate_key(const KeyMigration& migration,
                             const Clock& clock,
                             const std::function<void(const MigrationReceipt&)>& keep) {
    const auto old_key = migration.from.use(migration.ref, migration.use);
    static_cast<void>(choose_scheme(*old_key));  // a key that cannot sign could not be proven to be the same
    MigrationWay way = MigrationWay::import;
    auto made = moved(migration, way);
    try {
        const auto challenge = Botan::system_rng().random_vec<std::vector<std::uint8_t>>(challenge_size);
        MigrationReceipt receipt{.from = migration.ref,
                                 .to = made,
                                 .way = way,
                                 .time = clock(),
                                 .challenge = challenge,
                                 .scheme = {},
                                 .public_key = Botan::X509::PEM_encode(*old_key->public_key()),
                                 .signature_of_old = {},
                                 .signature_of_new = {}};
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
