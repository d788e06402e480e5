// SPDX-License-Identifier: BSD-2-Clause
#include "key_material.hpp"

#include <softhsm_fixtures/content_names_internal.hpp>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>

namespace fill {

namespace {

using softhsm_fixtures::internal::CurveName;
using softhsm_fixtures::internal::known_curves;

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

[[nodiscard]] KeyContext context_for(const char* algorithm) {
    return KeyContext(
        must_have(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr), "no such algorithm"));
}

[[nodiscard]] Key generated(EVP_PKEY_CTX* context) {
    EVP_PKEY* key = nullptr;
    must(EVP_PKEY_generate(context, &key), "cannot generate the key");
    return Key(key);
}

[[nodiscard]] Key make_simple(const char* algorithm) {
    const auto context = context_for(algorithm);
    must(EVP_PKEY_keygen_init(context.get()), "cannot generate the key");
    return generated(context.get());
}

[[nodiscard]] Key make_in_group(const char* algorithm, std::string group) {
    const auto context = context_for(algorithm);
    must(EVP_PKEY_keygen_init(context.get()), "cannot generate the key");
    const std::array<OSSL_PARAM, 2> parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
        OSSL_PARAM_construct_end()};
    must(EVP_PKEY_CTX_set_params(context.get(), parameters.data()), "cannot use the group");
    return generated(context.get());
}

[[nodiscard]] Key make_rsa(const Entry& entry) {
    const auto context = context_for("RSA");
    must(EVP_PKEY_keygen_init(context.get()), "cannot generate the key");
    std::size_t bits = entry.bits;
    std::uint64_t exponent = entry.exponent;
    const std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits),
        OSSL_PARAM_construct_uint64(OSSL_PKEY_PARAM_RSA_E, &exponent), OSSL_PARAM_construct_end()};
    must(EVP_PKEY_CTX_set_params(context.get(), parameters.data()), "cannot use size and exponent");
    return generated(context.get());
}

[[nodiscard]] Key make_dsa(const Entry& entry) {
    const auto domain_context = context_for("DSA");
    must(EVP_PKEY_paramgen_init(domain_context.get()), "cannot generate the parameters");
    std::size_t bits = entry.bits;
    std::size_t subprime = bits == 1024 ? 160 : 256; // FIPS 186-4 4.2
    const std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_FFC_PBITS, &bits),
        OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_FFC_QBITS, &subprime), OSSL_PARAM_construct_end()};
    must(EVP_PKEY_CTX_set_params(domain_context.get(), parameters.data()), "cannot use the size");
    const Key domain = generated(domain_context.get());
    const KeyContext context(
        must_have(EVP_PKEY_CTX_new_from_pkey(nullptr, domain.get(), nullptr), "cannot use the parameters"));
    must(EVP_PKEY_keygen_init(context.get()), "cannot generate the key");
    return generated(context.get());
}

[[nodiscard]] std::string openssl_name(const std::string& curve) {
    for (const CurveName& known : known_curves()) {
        if (known.name == curve) {
            return std::string(known.openssl);
        }
    }
    throw helper::Failure("no such curve");
}

[[nodiscard]] int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

/// One of the key's numbers, without leading zero bytes unless a size is wanted.
[[nodiscard]] Bytes number_of(const EVP_PKEY& key, const char* parameter, int size = 0) {
    BIGNUM* value = nullptr;
    must(EVP_PKEY_get_bn_param(&key, parameter, &value), "the key lacks a number");
    const Number number(value);
    Bytes bytes(static_cast<std::size_t>(size != 0 ? size : std::max(1, BN_num_bytes(value))));
    must(BN_bn2binpad(value, bytes.data(), static_cast<int>(bytes.size())) >= 0 ? 1 : 0,
         "a number is too large");
    return bytes;
}

template <typename Getter>
[[nodiscard]] Bytes raw(const EVP_PKEY& key, Getter getter) {
    std::size_t size = 0;
    must(getter(&key, nullptr, &size), "the key does not show its value");
    Bytes bytes(size);
    must(getter(&key, bytes.data(), &size), "the key does not show its value");
    bytes.resize(size);
    return bytes;
}

[[nodiscard]] Bytes octet_string(const Bytes& content) {
    const std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>> string(
        must_have(ASN1_OCTET_STRING_new(), "no memory"));
    must(ASN1_OCTET_STRING_set(string.get(), content.data(), static_cast<int>(content.size())), "no memory");
    return der_of(string.get(), i2d_ASN1_OCTET_STRING);
}

[[nodiscard]] Bytes object_identifier(int nid) {
    return der_of(must_have(OBJ_nid2obj(nid), "no such curve"), i2d_ASN1_OBJECT);
}

[[nodiscard]] bool is_edwards_or_montgomery(EntryType type) {
    return type == EntryType::ed25519 || type == EntryType::ed448 || type == EntryType::x25519 ||
           type == EntryType::x448;
}

[[nodiscard]] int nid_of(EntryType type) {
    switch (type) {
    case EntryType::ed25519: return NID_ED25519;
    case EntryType::ed448: return NID_ED448;
    case EntryType::x25519: return NID_X25519;
    default: return NID_X448;
    }
}

[[nodiscard]] Bytes ec_point(const EVP_PKEY& key) {
    // Put together here, as a key that was read may be set to the compressed form.
    const int size = (EVP_PKEY_get_bits(&key) + 7) / 8;
    Bytes point = {4}; // uncompressed
    for (const char* coordinate : {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y}) {
        const Bytes number = number_of(key, coordinate, size);
        point.insert(point.end(), number.begin(), number.end());
    }
    return point;
}

[[nodiscard]] CK_KEY_TYPE cryptoki_type(EntryType type) {
    switch (type) {
    case EntryType::rsa: return CKK_RSA;
    case EntryType::ec: return CKK_EC;
    case EntryType::dsa: return CKK_DSA;
    case EntryType::dh: return CKK_DH;
    case EntryType::ed25519:
    case EntryType::ed448: return CKK_EC_EDWARDS;
    default: return CKK_EC_MONTGOMERY;
    }
}

} // namespace

KeyMaterial make_key(const Entry& entry) {
    const auto make = [&]() -> Key {
        switch (entry.type) {
        case EntryType::rsa: return make_rsa(entry);
        case EntryType::ec: return make_in_group("EC", openssl_name(entry.curve));
        case EntryType::ed25519: return make_simple("ED25519");
        case EntryType::ed448: return make_simple("ED448");
        case EntryType::x25519: return make_simple("X25519");
        case EntryType::x448: return make_simple("X448");
        case EntryType::dsa: return make_dsa(entry);
        case EntryType::dh: return make_in_group("DH", "ffdhe" + std::to_string(entry.bits)); // RFC 7919
        default: throw helper::Failure("not a key pair");
        }
    };
    return {make(), true};
}

KeyMaterial read_key(const std::string& pem) {
    const auto open = [&] {
        return Bio(must_have(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "no memory"));
    };
    bool asked = false;
    if (pem.find("PRIVATE KEY-----") != std::string::npos) {
        Key key(PEM_read_bio_PrivateKey(open().get(), nullptr, refuse_passphrase, &asked));
        if (asked) {
            throw helper::Failure(
                "the key is encrypted; give it without a passphrase, as the list holds no secrets");
        }
        if (!key) {
            throw crypto_failure("the PEM holds no private key that can be read");
        }
        return {std::move(key), true};
    }
    Key key(PEM_read_bio_PUBKEY(open().get(), nullptr, nullptr, nullptr));
    if (!key) {
        throw crypto_failure("the PEM holds neither a private nor a public key that can be read");
    }
    return {std::move(key), false};
}

EntryType type_of(const EVP_PKEY& key) {
    switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_RSA: return EntryType::rsa;
    case EVP_PKEY_EC: return EntryType::ec;
    case EVP_PKEY_ED25519: return EntryType::ed25519;
    case EVP_PKEY_ED448: return EntryType::ed448;
    case EVP_PKEY_X25519: return EntryType::x25519;
    case EVP_PKEY_X448: return EntryType::x448;
    case EVP_PKEY_DSA: return EntryType::dsa;
    case EVP_PKEY_DH:
    case EVP_PKEY_DHX: return EntryType::dh;
    default: throw helper::Failure("a key of this kind cannot be put into a token");
    }
}

void add_domain(Template& out, const EVP_PKEY& key) {
    const EntryType type = type_of(key);
    if (type == EntryType::dsa || type == EntryType::dh) {
        out.add(CKA_PRIME, number_of(key, OSSL_PKEY_PARAM_FFC_P));
        out.add(CKA_BASE, number_of(key, OSSL_PKEY_PARAM_FFC_G));
    }
    if (type == EntryType::dsa) {
        out.add(CKA_SUBPRIME, number_of(key, OSSL_PKEY_PARAM_FFC_Q));
    }
    if (type == EntryType::ec) {
        std::array<char, 80> group{};
        const int named = EVP_PKEY_get_group_name(&key, group.data(), group.size(), nullptr);
        const int nid = named > 0 ? OBJ_txt2nid(group.data()) : NID_undef;
        if (nid == NID_undef) {
            throw helper::Failure("the key's curve has no name");
        }
        out.add(CKA_EC_PARAMS, object_identifier(nid));
    }
    if (is_edwards_or_montgomery(type)) {
        out.add(CKA_EC_PARAMS, object_identifier(nid_of(type)));
    }
}

void add_public_value(Template& out, const EVP_PKEY& key) {
    const EntryType type = type_of(key);
    out.add_number(CKA_KEY_TYPE, cryptoki_type(type));
    add_domain(out, key);
    if (type == EntryType::rsa) {
        out.add(CKA_MODULUS, number_of(key, OSSL_PKEY_PARAM_RSA_N));
        out.add(CKA_PUBLIC_EXPONENT, number_of(key, OSSL_PKEY_PARAM_RSA_E));
    } else if (type == EntryType::ec) {
        out.add(CKA_EC_POINT, octet_string(ec_point(key)));
    } else if (is_edwards_or_montgomery(type)) {
        out.add(CKA_EC_POINT, octet_string(raw(key, EVP_PKEY_get_raw_public_key)));
    } else {
        out.add(CKA_VALUE, number_of(key, OSSL_PKEY_PARAM_PUB_KEY));
    }
}

void add_private_value(Template& out, const EVP_PKEY& key) {
    const EntryType type = type_of(key);
    out.add_number(CKA_KEY_TYPE, cryptoki_type(type));
    add_domain(out, key);
    if (type == EntryType::rsa) {
        out.add(CKA_MODULUS, number_of(key, OSSL_PKEY_PARAM_RSA_N));
        out.add(CKA_PUBLIC_EXPONENT, number_of(key, OSSL_PKEY_PARAM_RSA_E));
        out.add(CKA_PRIVATE_EXPONENT, number_of(key, OSSL_PKEY_PARAM_RSA_D));
        out.add(CKA_PRIME_1, number_of(key, OSSL_PKEY_PARAM_RSA_FACTOR1));
        out.add(CKA_PRIME_2, number_of(key, OSSL_PKEY_PARAM_RSA_FACTOR2));
        out.add(CKA_EXPONENT_1, number_of(key, OSSL_PKEY_PARAM_RSA_EXPONENT1));
        out.add(CKA_EXPONENT_2, number_of(key, OSSL_PKEY_PARAM_RSA_EXPONENT2));
        out.add(CKA_COEFFICIENT, number_of(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1));
    } else if (type == EntryType::ec) {
        out.add(CKA_VALUE, number_of(key, OSSL_PKEY_PARAM_PRIV_KEY, (EVP_PKEY_get_bits(&key) + 7) / 8));
    } else if (is_edwards_or_montgomery(type)) {
        // Bare, where a token takes the DER of it without a word and then fails to sign.
        out.add(CKA_VALUE, raw(key, EVP_PKEY_get_raw_private_key));
    } else {
        out.add(CKA_VALUE, number_of(key, OSSL_PKEY_PARAM_PRIV_KEY));
    }
}

Bytes key_identifier(const EVP_PKEY& key) {
    X509_PUBKEY* info = nullptr;
    // OpenSSL takes no pointer to const here, and changes nothing.
    must(X509_PUBKEY_set(&info, const_cast<EVP_PKEY*>(&key)), "cannot encode the public key");
    const std::unique_ptr<X509_PUBKEY, Freed<X509_PUBKEY_free>> owner(info);
    const unsigned char* bits = nullptr;
    int size = 0;
    must(X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, info), "cannot encode the public key");
    Bytes hash(20);
    must(EVP_Digest(bits, static_cast<std::size_t>(size), hash.data(), nullptr, EVP_sha1(), nullptr),
         "cannot hash the public key");
    return hash;
}

Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    must(RAND_priv_bytes(bytes.data(), static_cast<int>(size)), "no random bytes");
    return bytes;
}

} // namespace fill
