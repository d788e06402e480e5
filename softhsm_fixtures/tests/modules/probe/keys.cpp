// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"

#include "known_keys.hpp"

#include <functional>
#include <map>

namespace probe {

namespace {

using openssl::Scheme;

[[nodiscard]] KeyKind ec_kind(std::string_view curve_oid) {
    const Bytes oid = from_hex(curve_oid);
    return {.type = CKK_EC,
            .generator = CKM_EC_KEY_PAIR_GEN,
            .signer = CKM_ECDSA,
            .scheme = Scheme::ecdsa,
            .algorithm = openssl::der(0x30, openssl::concatenated({from_hex("06072a8648ce3d0201"), oid})),
            .curve = {oid}};
}

/// PKCS#11 3.0 takes the object identifier of RFC 8410, or the curve's name as a PrintableString.
[[nodiscard]] KeyKind edwards_kind(std::string_view oid, std::string_view name) {
    return {.type = ckk_ec_edwards,
            .generator = ckm_ec_edwards_key_pair_gen,
            .signer = ckm_eddsa,
            .scheme = Scheme::eddsa,
            .algorithm = openssl::der(0x30, from_hex(oid)),
            .curve = {from_hex(oid), openssl::der(0x13, from_text(name))}};
}

[[nodiscard]] KeyKind montgomery_kind(std::string_view oid, std::string_view name) {
    KeyKind kind = edwards_kind(oid, name);
    kind.type = ckk_ec_montgomery;
    kind.generator = ckm_ec_montgomery_key_pair_gen;
    return kind;
}

[[nodiscard]] KeyKind rsa_kind(CK_ULONG bits) {
    return {.type = CKK_RSA,
            .generator = CKM_RSA_PKCS_KEY_PAIR_GEN,
            .signer = CKM_RSA_PKCS,
            .scheme = Scheme::rsa_pkcs1,
            .algorithm = from_hex("300d06092a864886f70d0101010500"),
            .size_or_set = bits};
}

constexpr CK_ULONG ml_dsa_65 = 2;
constexpr CK_ULONG ml_kem_768 = 2;

[[nodiscard]] Template private_template(const KeyOptions& options) {
    Template attributes;
    attributes.flag(CKA_TOKEN, options.in_token)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, !options.extractable)
        .flag(options.use, true)
        .text(CKA_LABEL, options.label)
        .text(CKA_ID, options.label);
    if (options.extractable) {
        attributes.flag(CKA_EXTRACTABLE, true);
    }
    if (options.always_authenticate) {
        attributes.flag(CKA_ALWAYS_AUTHENTICATE, true);
    }
    return attributes;
}

[[nodiscard]] CK_ATTRIBUTE_TYPE public_use(CK_ATTRIBUTE_TYPE private_use) {
    switch (private_use) {
    case CKA_SIGN: return CKA_VERIFY;
    case CKA_DECRYPT: return CKA_ENCRYPT;
    case CKA_UNWRAP: return CKA_WRAP;
    case cka_decapsulate: return cka_encapsulate;
    default: return private_use;
    }
}

[[nodiscard]] KeyPair generate_with(Session& session, const KeyKind& kind, const Bytes& curve,
                                    const KeyOptions& options) {
    Template public_key;
    public_key.flag(CKA_TOKEN, options.in_token)
        .flag(public_use(options.use), true)
        .text(CKA_LABEL, options.label)
        .text(CKA_ID, options.label);
    if (kind.type == CKK_RSA) {
        public_key.number(CKA_MODULUS_BITS, kind.size_or_set).bytes(CKA_PUBLIC_EXPONENT, {1, 0, 1});
    } else if (!curve.empty()) {
        public_key.bytes(CKA_EC_PARAMS, curve);
    } else {
        public_key.number(cka_parameter_set, kind.size_or_set);
    }
    Template private_key = private_template(options);
    Mechanism mechanism(kind.generator);
    KeyPair pair;
    check("C_GenerateKeyPair",
          session.p11().C_GenerateKeyPair(session.handle(), mechanism.get(), public_key.data(), public_key.size(),
                                          private_key.data(), private_key.size(), &pair.public_key,
                                          &pair.private_key));
    return pair;
}

} // namespace

const KeyKind& key_kind(std::string_view name) {
    static const std::map<std::string, KeyKind, std::less<>> kinds = {
        {"RSA", rsa_kind(2048)},
        {"RSA-4096", rsa_kind(4096)},
        {"P-256", ec_kind("06082a8648ce3d030107")},
        {"P-384", ec_kind("06052b81040022")},
        {"P-521", ec_kind("06052b81040023")},
        {"secp256k1", ec_kind("06052b8104000a")},
        {"brainpoolP256r1", ec_kind("06092b2403030208010107")},
        {"Ed25519", edwards_kind("06032b6570", "edwards25519")},
        {"Ed448", edwards_kind("06032b6571", "edwards448")},
        {"X25519", montgomery_kind("06032b656e", "curve25519")},
        {"ML-DSA",
         {.type = ckk_ml_dsa,
          .generator = ckm_ml_dsa_key_pair_gen,
          .signer = ckm_ml_dsa,
          .scheme = Scheme::ml_dsa,
          .algorithm = from_hex("300b0609608648016503040312"),
          .size_or_set = ml_dsa_65}},
        {"ML-KEM",
         {.type = ckk_ml_kem,
          .generator = ckm_ml_kem_key_pair_gen,
          .signer = 0,
          .scheme = Scheme::ml_dsa,
          .algorithm = {},
          .size_or_set = ml_kem_768}},
    };
    return kinds.find(name)->second;
}

KeyPair generate_pair(Session& session, std::string_view kind_name, const KeyOptions& options) {
    const KeyKind& kind = key_kind(kind_name);
    if (kind.curve.size() < 2) {
        return generate_with(session, kind, kind.curve.empty() ? Bytes{} : kind.curve.front(), options);
    }
    try {
        return generate_with(session, kind, kind.curve[0], options);
    } catch (const RefusedBy&) {
        return generate_with(session, kind, kind.curve[1], options);
    }
}

CK_OBJECT_HANDLE import_private(Session& session, std::string_view kind_name, const KeyOptions& options,
                                bool with_point) {
    const KeyKind& kind = key_kind(kind_name);
    Template attributes = private_template(options);
    attributes.number(CKA_CLASS, CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, kind.type);
    if (kind.type == CKK_RSA) {
        const RsaKey& key = known_rsa_key();
        attributes.bytes(CKA_MODULUS, key.modulus)
            .bytes(CKA_PUBLIC_EXPONENT, key.public_exponent)
            .bytes(CKA_PRIVATE_EXPONENT, key.private_exponent)
            .bytes(CKA_PRIME_1, key.prime_1)
            .bytes(CKA_PRIME_2, key.prime_2)
            .bytes(CKA_EXPONENT_1, key.exponent_1)
            .bytes(CKA_EXPONENT_2, key.exponent_2)
            .bytes(CKA_COEFFICIENT, key.coefficient);
        return session.create(attributes);
    }
    const CurveKey& key = known_curve_key(kind_name);
    attributes.bytes(CKA_VALUE, key.private_value);
    if (with_point) {
        attributes.bytes(CKA_EC_POINT, openssl::der(0x04, key.point));
    }
    for (std::size_t way = 0; way + 1 < kind.curve.size(); ++way) {
        try {
            return session.create(Template(attributes).bytes(CKA_EC_PARAMS, kind.curve[way]));
        } catch (const RefusedBy&) { // the next way may do
        }
    }
    return session.create(attributes.bytes(CKA_EC_PARAMS, kind.curve.back()));
}

CK_OBJECT_HANDLE import_rsa_public(Session& session, CK_ATTRIBUTE_TYPE use) {
    return session.create(Template()
                              .number(CKA_CLASS, CKO_PUBLIC_KEY)
                              .number(CKA_KEY_TYPE, CKK_RSA)
                              .flag(CKA_TOKEN, false)
                              .flag(use, true)
                              .bytes(CKA_MODULUS, known_rsa_key().modulus)
                              .bytes(CKA_PUBLIC_EXPONENT, known_rsa_key().public_exponent));
}

Bytes raw_point(const Bytes& attribute) {
    const bool is_short = attribute.size() > 2 && attribute[0] == 4 && attribute[1] == attribute.size() - 2;
    const bool is_long =
        attribute.size() > 3 && attribute[0] == 4 && attribute[1] == 0x81 && attribute[2] == attribute.size() - 3;
    return is_short || is_long ? Bytes(attribute.begin() + (is_short ? 2 : 3), attribute.end()) : attribute;
}

Bytes public_key_info(Session& session, std::string_view kind_name, CK_OBJECT_HANDLE public_key) {
    const KeyKind& kind = key_kind(kind_name);
    if (kind.type == CKK_RSA) {
        return openssl::der_public_key(
            kind.algorithm,
            openssl::der(0x30, openssl::concatenated(
                                   {openssl::der_integer(session.get(public_key, CKA_MODULUS)),
                                    openssl::der_integer(session.get(public_key, CKA_PUBLIC_EXPONENT))})));
    }
    if (kind.type == ckk_ml_dsa) {
        return openssl::der_public_key(kind.algorithm, session.get(public_key, CKA_VALUE));
    }
    return openssl::der_public_key(kind.algorithm, raw_point(session.get(public_key, CKA_EC_POINT)));
}

Bytes known_public_key_info(std::string_view kind_name) {
    const KeyKind& kind = key_kind(kind_name);
    if (kind.type == CKK_RSA) {
        const RsaKey& key = known_rsa_key();
        return openssl::der_public_key(
            kind.algorithm,
            openssl::der(0x30, openssl::concatenated({openssl::der_integer(key.modulus),
                                                      openssl::der_integer(key.public_exponent)})));
    }
    return openssl::der_public_key(kind.algorithm, known_curve_key(kind_name).point);
}

Bytes digest_info() {
    return openssl::concatenated({from_hex("3031300d060960864801650304020105000420"), openssl::message_digest()});
}

Bytes sign_plainly(Session& session, std::string_view kind_name, CK_OBJECT_HANDLE private_key) {
    const KeyKind& kind = key_kind(kind_name);
    switch (kind.scheme) {
    case Scheme::ecdsa: return session.sign(kind.signer, private_key, openssl::message_digest());
    case Scheme::rsa_pkcs1: return session.sign(kind.signer, private_key, digest_info());
    case Scheme::eddsa: break;
    default: return session.sign(kind.signer, private_key, openssl::message());
    }
    if (kind_name != "Ed448") {
        return session.sign(kind.signer, private_key, openssl::message(), 64);
    }
    EddsaParameters parameters{CK_FALSE, 0, nullptr};
    return session.sign({kind.signer, parameters}, private_key, openssl::message(), 114);
}

void require_accepted(Session& session, Scheme scheme, const Bytes& public_key_info, const Bytes& signature) {
    require(openssl::verifies(session.module().target().folder, scheme, public_key_info, signature),
            "OpenSSL does not accept the signature");
}

void require_signs(Session& session, std::string_view kind, CK_OBJECT_HANDLE private_key,
                   const Bytes& public_key_info) {
    require_accepted(session, key_kind(kind).scheme, public_key_info, sign_plainly(session, kind, private_key));
}

CK_OBJECT_HANDLE make_aes_key(Session& session, std::vector<CK_ATTRIBUTE_TYPE> uses, const Bytes& value,
                              bool extractable) {
    Template attributes;
    attributes.flag(CKA_TOKEN, false).flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, !extractable);
    for (const CK_ATTRIBUTE_TYPE use : uses) {
        attributes.flag(use, true);
    }
    if (extractable) {
        attributes.flag(CKA_EXTRACTABLE, true);
    }
    if (value.empty()) {
        return session.generate(CKM_AES_KEY_GEN, attributes.number(CKA_VALUE_LEN, 16));
    }
    return session.create(
        attributes.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).bytes(CKA_VALUE, value));
}

} // namespace probe
