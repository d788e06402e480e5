// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>

#include <botan/der_enc.h>
#include <botan/hash.h>
#include <botan/pss_params.h>
#include <botan/slh_dsa.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace keyway::pkcs11 {

namespace {

struct HashMechanism {
    std::string_view name;  // Botan's
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
    std::size_t size;  // bytes
    // The mechanisms that hash and sign in one.
    CK_MECHANISM_TYPE with_pkcs1v15;
    CK_MECHANISM_TYPE with_pss;
    CK_MECHANISM_TYPE with_ecdsa;
};

// clang-format off
constexpr std::array hashes{
    HashMechanism{"SHA-1", CKM_SHA_1, CKG_MGF1_SHA1, 20, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1},
    HashMechanism{"SHA-224", CKM_SHA224, CKG_MGF1_SHA224, 28, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA224},
    HashMechanism{"SHA-256", CKM_SHA256, CKG_MGF1_SHA256, 32, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256},
    HashMechanism{"SHA-384", CKM_SHA384, CKG_MGF1_SHA384, 48, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384},
    HashMechanism{"SHA-512", CKM_SHA512, CKG_MGF1_SHA512, 64, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_ECDSA_SHA512},
    HashMechanism{"SHA-3(224)", CKM_SHA3_224, CKG_MGF1_SHA3_224, 28, CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKM_ECDSA_SHA3_224},
    HashMechanism{"SHA-3(256)", CKM_SHA3_256, CKG_MGF1_SHA3_256, 32, CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKM_ECDSA_SHA3_256},
    HashMechanism{"SHA-3(384)", CKM_SHA3_384, CKG_MGF1_SHA3_384, 48, CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKM_ECDSA_SHA3_384},
    HashMechanism{"SHA-3(512)", CKM_SHA3_512, CKG_MGF1_SHA3_512, 64, CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKM_ECDSA_SHA3_512},
};
// clang-format on

Error cannot_sign(const KeySpec& key, std::string_view padding, const std::string& hint) {
    return {Errc::unsupported,
            "a key of type " + in_quotes(key.to_string()) + " in a token cannot sign with " + in_quotes(padding), hint};
}

/// "NAME(ARGUMENT,ARGUMENT)" taken apart; commas and parentheses inside an argument stay in it ("SHA-3(256)").
struct PaddingName {
    std::string_view name;
    std::vector<std::string_view> arguments;
};

PaddingName take_apart(std::string_view padding) {
    PaddingName out;
    const auto open = padding.find('(');
    out.name = padding.substr(0, open);
    if(open == std::string_view::npos || padding.back() != ')') {
        return out;
    }
    const auto inside = padding.substr(open + 1, padding.size() - open - 2);
    std::size_t start = 0;
    int depth = 0;
    for(std::size_t i = 0; i <= inside.size(); ++i) {
        if(i == inside.size() || (inside[i] == ',' && depth == 0)) {
            out.arguments.push_back(inside.substr(start, i - start));
            start = i + 1;
        } else if(inside[i] == '(') {
            ++depth;
        } else if(inside[i] == ')') {
            --depth;
        }
    }
    return out;
}

const HashMechanism& hash_mechanism(const KeySpec& key, std::string_view padding, std::string_view name) {
    const auto found = std::ranges::find(hashes, name, &HashMechanism::name);
    if(found == hashes.end()) {
        throw cannot_sign(key, padding, "use SHA-256, SHA-384, SHA-512 or a SHA-3 hash");
    }
    return *found;
}

std::vector<std::uint8_t> digest_info_prefix(const HashMechanism& hash) {
    const std::vector<std::uint8_t> empty_digest(hash.size);
    std::vector<std::uint8_t> der;
    Botan::DER_Encoder(der)
        .start_sequence()
        .encode(Botan::AlgorithmIdentifier(hash.name, Botan::AlgorithmIdentifier::USE_NULL_PARAM))
        .encode(empty_digest, Botan::ASN1_Type::OctetString)
        .end_cons();
    der.resize(der.size() - hash.size);
    return der;
}

SigningMechanism rsa_pkcs1v15(const KeySpec& key, std::string_view padding, const PaddingName& name) {
    const auto& hash = hash_mechanism(key, padding, name.arguments.at(0));
    SigningMechanism out;
    out.type = CKM_RSA_PKCS;
    out.hashing_type = hash.with_pkcs1v15;
    out.hash = hash.name;
    out.digest_prefix = digest_info_prefix(hash);
    out.verify_padding = "PKCS1v15(Raw," + out.hash + ")";
    out.hash_function = out.hash;
    out.algorithm = Botan::AlgorithmIdentifier("RSA/PKCS1v15(" + out.hash + ")",
                                               Botan::AlgorithmIdentifier::USE_NULL_PARAM);
    return out;
}

SigningMechanism rsa_pss(const KeySpec& key, std::string_view padding, const PaddingName& name) {
    const auto& hash = hash_mechanism(key, padding, name.arguments.at(0));
    std::size_t salt = hash.size;
    if(name.arguments.size() > 1 && name.arguments[1] != "MGF1") {
        throw cannot_sign(key, padding, "the only mask generation function is MGF1");
    }
    if(name.arguments.size() > 2) {
        const auto text = name.arguments[2];
        const auto result = std::from_chars(text.data(), text.data() + text.size(), salt);
        if(result.ec != std::errc{} || result.ptr != text.data() + text.size()) {
            throw cannot_sign(key, padding, "the salt's length is a number of bytes");
        }
    }
    if(hash.size + salt + 2 > key.bits() / 8) {
        throw cannot_sign(key, padding, "the salt is too long for this key");
    }
    SigningMechanism out;
    out.type = CKM_RSA_PKCS_PSS;
    out.hashing_type = hash.with_pss;
    out.hash = hash.name;
    out.pss = {hash.mechanism, hash.mgf, salt};
    out.verify_padding = "PSS_Raw(" + out.hash + ",MGF1," + std::to_string(salt) + ")";
    out.hash_function = out.hash;
    out.algorithm = Botan::AlgorithmIdentifier("RSA/PSS", Botan::PSS_Params(out.hash, salt).serialize());
    return out;
}

SigningMechanism rsa(const KeySpec& key, std::string_view padding) {
    const auto name = take_apart(padding);
    const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
        return std::ranges::find(names, name.name) != names.end() && !name.arguments.empty();
    };
    // EMSA3, EMSA4 and the like are Botan's older names of the same.
    if(is_one_of({"PKCS1v15", "EMSA_PKCS1", "EMSA-PKCS1-v1_5", "EMSA3"}) && name.arguments.size() == 1) {
        return rsa_pkcs1v15(key, padding, name);
    }
    if(is_one_of({"PSS", "PSSR", "EMSA-PSS", "EMSA4"}) && name.arguments.size() <= 3) {
        return rsa_pss(key, padding, name);
    }
    throw cannot_sign(key, padding, "use PKCS1v15(HASH) or PSS(HASH,MGF1,SALT)");
}

SigningMechanism ecdsa(const KeySpec& key, std::string_view padding) {
    auto hash_name = padding;
    const auto name = take_apart(padding);
    if((name.name == "EMSA1" || name.name == "EMSA_BSI") && name.arguments.size() == 1) {
        hash_name = name.arguments[0];
    }
    const auto& hash = hash_mechanism(key, padding, hash_name);
    SigningMechanism out;
    out.type = CKM_ECDSA;
    out.hashing_type = hash.with_ecdsa;
    out.hash = hash.name;
    out.verify_padding = "Raw";
    out.hash_function = out.hash;
    out.algorithm = Botan::AlgorithmIdentifier("ECDSA/" + out.hash, Botan::AlgorithmIdentifier::USE_EMPTY_PARAM);
    return out;
}

SigningMechanism eddsa(const KeySpec& key, std::string_view padding) {
    // Pre-hashing and contexts are refused: tokens accept CK_EDDSA_PARAMS and ignore them (SoftHSM), which would make
    // signatures over something else than asked for.
    if(!padding.empty() && padding != "Pure" && padding != "Identity") {
        throw cannot_sign(key, padding, "EdDSA in a token signs the message itself: use Pure");
    }
    const bool is_448 = key.type() == KeyType::ed448;
    SigningMechanism out;
    out.type = CKM_EDDSA;
    out.verify_padding = "Pure";
    out.hash_function = is_448 ? "SHAKE-256(912)" : "SHA-512";
    out.algorithm = Botan::AlgorithmIdentifier(is_448 ? "Ed448" : "Ed25519", Botan::AlgorithmIdentifier::USE_EMPTY_PARAM);
    return out;
}

/// H_msg, as Botan names it.
/// @spec FIPS 205 11
std::string slh_dsa_message_hash(const KeySpec& key) {
    const auto parameters = Botan::SLH_DSA_Parameters::create(key.parameter_set());
    if(parameters.hash_type() == Botan::SLH_DSA_Hash_Type::Shake256) {
        return "SHAKE-256(" + std::to_string(8 * parameters.h_msg_digest_bytes()) + ")";
    }
    return key.bits() == 128 ? "SHA-256" : "SHA-512";
}

/// ML-DSA and SLH-DSA over the message itself, with an empty context, randomised as the token likes best: a mechanism without
/// parameters.
/// @spec PKCS#11 3.2 6.67.5, 6.69.5
SigningMechanism pure_pqc(const KeySpec& key, std::string_view padding) {
    if(!padding.empty()) {
        throw cannot_sign(key, padding, "leave the padding empty: the message is signed as it is");
    }
    const bool is_ml_dsa = key.type() == KeyType::ml_dsa;
    SigningMechanism out;
    out.type = is_ml_dsa ? CKM_ML_DSA : CKM_SLH_DSA;
    out.hash_function = is_ml_dsa ? "SHAKE-256(512)" : slh_dsa_message_hash(key);
    out.algorithm = Botan::AlgorithmIdentifier(key.parameter_set(), Botan::AlgorithmIdentifier::USE_EMPTY_PARAM);
    return out;
}

}  // namespace

DecryptionPadding decryption_padding(const KeySpec& key, std::string_view padding) {
    const auto refuse = [&](const std::string& hint) {
        return Error(Errc::unsupported,
                     "a key of type " + in_quotes(key.to_string()) + " in a token cannot decrypt with " + in_quotes(padding), hint);
    };
    if(key.type() != KeyType::rsa) {
        throw refuse("only RSA keys decrypt");
    }
    const auto name = take_apart(padding);
    const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
        return std::ranges::find(names, name.name) != names.end();
    };
    // EME1 and EME-PKCS1-v1_5 are Botan's older names of the same.
    if(is_one_of({"PKCS1v15", "EME-PKCS1-v1_5"}) && name.arguments.empty()) {
        return {};
    }
    if(!is_one_of({"OAEP", "EME-OAEP", "EME1"}) || name.arguments.empty() || name.arguments.size() > 3) {
        throw refuse("use OAEP(HASH) or PKCS1v15");
    }
    const auto find_hash = [&](std::string_view wanted) -> const HashMechanism& {
        const auto found = std::ranges::find(hashes, wanted, &HashMechanism::name);
        if(found == hashes.end()) {
            throw refuse("use SHA-256, SHA-384, SHA-512, SHA-1 or a SHA-3 hash");
        }
        return *found;
    };
    const auto& hash = find_hash(name.arguments[0]);
    const auto* mgf_hash = &hash;
    if(name.arguments.size() > 1 && name.arguments[1] != "MGF1") {
        const auto mgf = take_apart(name.arguments[1]);
        if(mgf.name != "MGF1" || mgf.arguments.size() != 1) {
            throw refuse("the only mask generation function is MGF1");
        }
        mgf_hash = &find_hash(mgf.arguments[0]);
    }
    if(2 * hash.size + 2 > key.bits() / 8) {
        throw refuse("the hash is too long for this key");
    }
    DecryptionPadding out;
    out.is_oaep = true;
    out.hash = hash.name;
    out.mgf_hash = mgf_hash->name;
    out.hash_mechanism = hash.mechanism;
    out.mgf = mgf_hash->mgf;
    if(name.arguments.size() > 2) {
        out.label = name.arguments[2];
    }
    return out;
}

SigningMechanism signing_mechanism(const KeySpec& key, std::string_view padding) {
    switch(key.type()) {
        case KeyType::rsa:
            return rsa(key, padding);
        case KeyType::ec:
            return ecdsa(key, padding);
        case KeyType::ed25519:
        case KeyType::ed448:
            return eddsa(key, padding);
        case KeyType::ml_dsa:
        case KeyType::slh_dsa:
            return pure_pqc(key, padding);
        case KeyType::x25519:
        case KeyType::x448:
            throw cannot_sign(key, padding, "it agrees on secrets with other keys of its type, and does nothing else");
        case KeyType::dsa:
            throw cannot_sign(key, padding, "DSA keys are used in files only");
    }
    throw Error(Errc::internal, "a key of no known kind");
}

}  // namespace keyway::pkcs11
