// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/migration_proof_internal.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/key/software_key_internal.hpp>

#include <botan/base64.h>
#include <botan/hex.h>
#include <botan/mac.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>
#include <nlohmann/json.hpp>

#include <span>

namespace keyway {

namespace {

using Secret = Botan::secure_vector<std::uint8_t>;

Error not_the_same(const MigrationReceipt& receipt, std::string_view what) {
    return {Errc::verification_failed,
            "the keys in backends " + in_quotes(receipt.from.backend().str()) + " and " + in_quotes(receipt.to.backend().str()) +
                std::string(what),
            "the key stays where it was; check the token or the machine"};
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

void prove_by_signatures(const Botan::Private_Key& old_key, const Botan::Private_Key& new_key, MigrationReceipt& receipt) {
    const auto scheme = choose_scheme(old_key);
    const auto statement = receipt.statement();
    receipt.proof = MigrationProof::signatures;
    receipt.scheme = scheme.name();
    receipt.signature_of_old = signature(old_key, scheme, statement);
    receipt.signature_of_new = signature(new_key, scheme, statement);
    if(!is_signed(*new_key.public_key(), scheme, statement, receipt.signature_of_old) ||
       !is_signed(*old_key.public_key(), scheme, statement, receipt.signature_of_new)) {
        throw not_the_same(receipt, " do not verify each other's signatures");
    }
}

Secret agreed(const Botan::Private_Key& mine, const Botan::Public_Key& theirs) {
    Botan::PK_Key_Agreement agreement(mine, Botan::system_rng(), "Raw");
    return agreement.derive_key(0, theirs.raw_public_key_bits()).bits_of();
}

std::vector<std::uint8_t> confirmation(const Secret& secret, const std::string& statement) {
    const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
    mac->set_key(secret);
    mac->update(statement);
    return mac->final_stdvec();
}

/// The private half of the key made for it is thrown away: who has it could make up the confirmations.
void prove_by_agreement(const Botan::Private_Key& old_key, const Botan::Private_Key& new_key, MigrationReceipt& receipt) {
    const auto spec = receipt.from.key();
    const auto ephemeral = generate_software_key(spec);
    const auto public_half = ephemeral->public_key();
    const auto expected = agreed(*ephemeral, *old_key.public_key());
    const auto of_old = agreed(old_key, *public_half);
    const auto of_new = agreed(new_key, *public_half);
    if(of_old != expected || of_new != expected) {
        throw not_the_same(receipt, " do not agree on the same secret with a third key");
    }
    const auto statement = receipt.statement();
    receipt.proof = MigrationProof::agreement;
    receipt.scheme = spec.to_string() + "-hmac-sha256";
    receipt.ephemeral_public_key = Botan::X509::PEM_encode(*public_half);
    receipt.confirmation_of_old = confirmation(of_old, statement);
    receipt.confirmation_of_new = confirmation(of_new, statement);
}

}  // namespace

std::string MigrationReceipt::statement() const {
    return "keyway-migration-1\nfrom " + from.to_string() + "\nto " + to.to_string() + "\ntime " + to_iso_8601(time) +
           "\nchallenge " + Botan::hex_encode(challenge, false) + "\n";
}

std::string MigrationReceipt::to_json() const {
    nlohmann::ordered_json json{
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
        {"proof", proof == MigrationProof::signatures ? "signatures" : "agreement"},
        {"scheme", scheme},
    };
    if(proof == MigrationProof::signatures) {
        json["signature-of-old"] = Botan::base64_encode(signature_of_old);
        json["signature-of-new"] = Botan::base64_encode(signature_of_new);
    } else {
        json["ephemeral-public-key"] = ephemeral_public_key;
        json["confirmation-of-old"] = Botan::base64_encode(confirmation_of_old);
        json["confirmation-of-new"] = Botan::base64_encode(confirmation_of_new);
    }
    return json.dump(2) + "\n";
}

void prove_same_key(const Botan::Private_Key& old_key, const Botan::Private_Key& new_key, MigrationReceipt& receipt) {
    if(receipt.from.key().can_sign()) {
        prove_by_signatures(old_key, new_key, receipt);
    } else {
        prove_by_agreement(old_key, new_key, receipt);
    }
}

}  // namespace keyway
