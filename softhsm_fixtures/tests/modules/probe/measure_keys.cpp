// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"
#include "known_keys.hpp"
#include "measure.hpp"

namespace probe {

namespace {

using openssl::Scheme;

[[nodiscard]] Measurement generates(std::string kind) {
    return in_session([kind = std::move(kind)](Session& session) {
        const KeyPair pair = generate_pair(session, kind);
        require_signs(session, kind, pair.private_key, public_key_info(session, kind, pair.public_key));
    });
}

[[nodiscard]] CK_OBJECT_HANDLE import_any_way(Session& session, std::string_view kind) {
    try {
        return import_private(session, kind);
    } catch (const RefusedBy&) {
        return import_private(session, kind, {}, true);
    }
}

[[nodiscard]] Measurement imports(std::string kind) {
    return in_session([kind = std::move(kind)](Session& session) {
        require_signs(session, kind, import_any_way(session, kind), known_public_key_info(kind));
    });
}

/// Signs with a key that the token made, or with one that it was given.
[[nodiscard]] Measurement signs_somehow(const std::string& kind) {
    return [kind](const Target& target) {
        try {
            generates(kind)(target);
        } catch (const Refused&) {
            imports(kind)(target);
        }
    };
}

/// A signature by a key of the token's own making.
[[nodiscard]] Measurement signs(std::string kind, std::function<Bytes(Session&, CK_OBJECT_HANDLE)> sign,
                                Scheme scheme) {
    return in_session([kind = std::move(kind), sign = std::move(sign), scheme](Session& session) {
        const KeyPair pair = generate_pair(session, kind);
        const Bytes signature = sign(session, pair.private_key);
        require_accepted(session, scheme, public_key_info(session, kind, pair.public_key), signature);
    });
}

[[nodiscard]] CK_RSA_PKCS_PSS_PARAMS pss_parameters() {
    return {CKM_SHA256, CKG_MGF1_SHA256, 32};
}

[[nodiscard]] Bytes sign_pss(Session& session, CK_OBJECT_HANDLE key) {
    CK_RSA_PKCS_PSS_PARAMS parameters = pss_parameters();
    return session.sign({CKM_RSA_PKCS_PSS, parameters}, key, openssl::message_digest());
}

[[nodiscard]] Bytes sign_pss_hashed(Session& session, CK_OBJECT_HANDLE key) {
    CK_RSA_PKCS_PSS_PARAMS parameters = pss_parameters();
    return session.sign({CKM_SHA256_RSA_PKCS_PSS, parameters}, key, openssl::message());
}

/// OpenSSL 3.5 is the first that knows ML-DSA; an older one leaves the judgement to the token itself.
void sign_ml_dsa(Session& session) {
    const KeyPair pair = generate_pair(session, "ML-DSA");
    if (openssl::has_signature_algorithm("ML-DSA-65")) {
        require_signs(session, "ML-DSA", pair.private_key, public_key_info(session, "ML-DSA", pair.public_key));
        return;
    }
    Bytes signature = sign_plainly(session, "ML-DSA", pair.private_key);
    session.verify(ckm_ml_dsa, pair.public_key, openssl::message(), signature);
    signature.back() ^= 1U;
    try {
        session.verify(ckm_ml_dsa, pair.public_key, openssl::message(), signature);
    } catch (const RefusedBy&) {
        return;
    }
    throw Refused("the token accepts a changed signature");
}

[[nodiscard]] Measurement decrypts(std::string padding, std::function<Bytes(Session&, CK_OBJECT_HANDLE, Bytes)> decrypt) {
    return in_session([padding = std::move(padding), decrypt = std::move(decrypt)](Session& session) {
        const KeyPair pair = generate_pair(session, "RSA", {.use = CKA_DECRYPT});
        const Bytes encrypted = openssl::encrypt(session.module().target().folder,
                                                 public_key_info(session, "RSA", pair.public_key),
                                                 openssl::message(), padding);
        require(decrypt(session, pair.private_key, encrypted) == openssl::message(), "something else came out");
    });
}

[[nodiscard]] Measurement decrypts_oaep(std::string hash_name, CK_MECHANISM_TYPE hash, CK_RSA_PKCS_MGF_TYPE mask) {
    return decrypts(std::move(hash_name), [hash, mask](Session& session, CK_OBJECT_HANDLE key, Bytes encrypted) {
        CK_RSA_PKCS_OAEP_PARAMS parameters{hash, mask, CKZ_DATA_SPECIFIED, nullptr, 0};
        return session.decrypt({CKM_RSA_PKCS_OAEP, parameters}, key, std::move(encrypted));
    });
}

/// Both sides derive in the token, each with the other's public key: the secrets must be the same.
[[nodiscard]] Measurement derives(std::string kind) {
    return in_session([kind = std::move(kind)](Session& session) {
        const KeyPair one = generate_pair(session, kind, {.use = CKA_DERIVE});
        const KeyPair other = generate_pair(session, kind, {.use = CKA_DERIVE});
        const auto secret = [&](CK_OBJECT_HANDLE own, CK_OBJECT_HANDLE peer) {
            Bytes point = raw_point(session.get(peer, CKA_EC_POINT));
            CK_ECDH1_DERIVE_PARAMS parameters{CKD_NULL, 0, nullptr, point.size(), point.data()};
            const auto key = session.derive({CKM_ECDH1_DERIVE, parameters}, own,
                                            Template()
                                                .number(CKA_CLASS, CKO_SECRET_KEY)
                                                .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
                                                .number(CKA_VALUE_LEN, 32)
                                                .flag(CKA_TOKEN, false)
                                                .flag(CKA_SENSITIVE, false)
                                                .flag(CKA_EXTRACTABLE, true));
            return session.get(key, CKA_VALUE);
        };
        const Bytes first = secret(one.private_key, other.public_key);
        require(first.size() == 32, "the secret has not the size that was asked for");
        require(first == secret(other.private_key, one.public_key), "the two sides derive different secrets");
    });
}

} // namespace

void add_key_measurements(Measurements& all) {
    all["generate-rsa"] = generates("RSA");
    all["generate-rsa-4096"] = generates("RSA-4096");
    all["generate-ec-p256"] = generates("P-256");
    all["generate-ec-p384"] = generates("P-384");
    all["generate-ec-p521"] = generates("P-521");
    all["generate-ec-secp256k1"] = generates("secp256k1");
    all["generate-ec-brainpool"] = generates("brainpoolP256r1");
    all["generate-ed25519"] = generates("Ed25519");
    all["generate-ed448"] = generates("Ed448");
    all["generate-x25519"] =
        in_session([](Session& session) { static_cast<void>(generate_pair(session, "X25519", {.use = CKA_DERIVE})); });
    all["generate-ml-kem"] =
        in_session([](Session& session) { static_cast<void>(generate_pair(session, "ML-KEM", {.use = cka_decapsulate})); });

    all["import-rsa"] = imports("RSA");
    all["import-ec-p256"] = imports("P-256");
    all["import-ec-p384"] = imports("P-384");
    all["import-ec-p521"] = imports("P-521");
    all["import-ec-secp256k1"] = imports("secp256k1");
    all["import-ec-brainpool"] = imports("brainpoolP256r1");
    all["import-ed25519"] = imports("Ed25519");
    all["import-ed448"] = imports("Ed448");

    all["sign-rsa"] = signs(
        "RSA", [](Session& session, auto key) { return sign_plainly(session, "RSA", key); }, Scheme::rsa_pkcs1);
    all["sign-rsa-hashed"] = signs(
        "RSA",
        [](Session& session, auto key) { return session.sign(CKM_SHA256_RSA_PKCS, key, openssl::message()); },
        Scheme::rsa_pkcs1);
    all["sign-rsa-in-parts"] = signs(
        "RSA",
        [](Session& session, auto key) {
            return session.sign_in_parts(CKM_SHA256_RSA_PKCS, key, openssl::message());
        },
        Scheme::rsa_pkcs1);
    all["sign-rsa-pss"] = signs("RSA", sign_pss, Scheme::rsa_pss);
    all["sign-rsa-pss-hashed"] = signs("RSA", sign_pss_hashed, Scheme::rsa_pss);
    all["sign-ecdsa"] = signs(
        "P-256", [](Session& session, auto key) { return sign_plainly(session, "P-256", key); }, Scheme::ecdsa);
    all["sign-ecdsa-hashed"] = signs(
        "P-256",
        [](Session& session, auto key) { return session.sign(CKM_ECDSA_SHA256, key, openssl::message()); },
        Scheme::ecdsa);
    all["sign-ed25519"] = signs_somehow("Ed25519");
    all["sign-ed448"] = signs_somehow("Ed448");
    all["sign-ml-dsa"] = in_session(sign_ml_dsa);

    all["decrypt-rsa"] = decrypts("pkcs1", [](Session& session, auto key, Bytes encrypted) {
        return session.decrypt(CKM_RSA_PKCS, key, std::move(encrypted));
    });
    all["decrypt-rsa-oaep-sha1"] = decrypts_oaep("sha1", CKM_SHA_1, CKG_MGF1_SHA1);
    all["decrypt-rsa-oaep-sha256"] = decrypts_oaep("sha256", CKM_SHA256, CKG_MGF1_SHA256);
    all["derive-ecdh"] = derives("P-256");
    all["derive-x25519"] = derives("X25519");
}

} // namespace probe
