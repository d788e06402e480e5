// SPDX-License-Identifier: BSD-2-Clause
#include "key_material.hpp"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <array>

namespace fill {

namespace {

/// The parameters of a key under construction; they live until the key is made.
class KeyParts {
public:
    void add_number(const char* name, const Bytes& value) {
        numbers_.emplace_back(
            must_have(BN_bin2bn(value.data(), static_cast<int>(value.size()), nullptr), "no memory"));
        must(OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get()), "no memory");
    }
    void add_text(const char* name, std::string value) {
        texts_.push_back(std::move(value));
        must(OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, texts_.back().c_str(), 0), "no memory");
    }
    void add_bytes(const char* name, Bytes value) {
        strings_.push_back(std::move(value));
        const Bytes& kept = strings_.back();
        must(OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, kept.data(), kept.size()), "no memory");
    }
    [[nodiscard]] Key public_key(const char* algorithm) {
        const std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>> parameters(
            must_have(OSSL_PARAM_BLD_to_param(builder_.get()), "no memory"));
        const KeyContext context(
            must_have(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr), "no such algorithm"));
        must(EVP_PKEY_fromdata_init(context.get()), "cannot use the token's public key");
        EVP_PKEY* key = nullptr;
        must(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()),
             "cannot use the token's public key");
        return Key(key);
    }

private:
    std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>> builder_{OSSL_PARAM_BLD_new()};
    // The builder only points to what it is given.
    std::list<Number> numbers_;
    std::list<std::string> texts_;
    std::list<Bytes> strings_;
};

/// The point in CKA_EC_POINT, which some tokens give without its OCTET STRING.
[[nodiscard]] Bytes point_in(const Bytes& attribute) {
    const unsigned char* at = attribute.data();
    const std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>> string(
        d2i_ASN1_OCTET_STRING(nullptr, &at, static_cast<long>(attribute.size())));
    if (!string || at != attribute.data() + attribute.size()) {
        return attribute;
    }
    const unsigned char* content = ASN1_STRING_get0_data(string.get());
    return {content, content + ASN1_STRING_length(string.get())};
}

} // namespace

Key public_key_in(TokenSession& token, CK_OBJECT_HANDLE public_key, const EVP_PKEY& like) {
    const auto number = [&](CK_ATTRIBUTE_TYPE type) { return token.attribute(public_key, type); };
    KeyParts parts;
    switch (type_of(like)) {
    case EntryType::rsa:
        parts.add_number(OSSL_PKEY_PARAM_RSA_N, number(CKA_MODULUS));
        parts.add_number(OSSL_PKEY_PARAM_RSA_E, number(CKA_PUBLIC_EXPONENT));
        return parts.public_key("RSA");
    case EntryType::ec: {
        std::array<char, 80> group{};
        must(EVP_PKEY_get_group_name(&like, group.data(), group.size(), nullptr), "the curve has no name");
        parts.add_text(OSSL_PKEY_PARAM_GROUP_NAME, group.data());
        parts.add_bytes(OSSL_PKEY_PARAM_PUB_KEY, point_in(number(CKA_EC_POINT)));
        return parts.public_key("EC");
    }
    case EntryType::dsa:
    case EntryType::dh:
        parts.add_number(OSSL_PKEY_PARAM_FFC_P, number(CKA_PRIME));
        parts.add_number(OSSL_PKEY_PARAM_FFC_G, number(CKA_BASE));
        if (type_of(like) == EntryType::dsa) {
            parts.add_number(OSSL_PKEY_PARAM_FFC_Q, number(CKA_SUBPRIME));
        }
        parts.add_number(OSSL_PKEY_PARAM_PUB_KEY, number(CKA_VALUE));
        return parts.public_key(type_of(like) == EntryType::dsa ? "DSA" : "DH");
    default: {
        const Bytes point = point_in(number(CKA_EC_POINT));
        return Key(must_have(
            EVP_PKEY_new_raw_public_key(EVP_PKEY_get_base_id(&like), nullptr, point.data(), point.size()),
            "cannot use the token's public key"));
    }
    }
}

} // namespace fill
