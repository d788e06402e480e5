// SPDX-License-Identifier: BSD-2-Clause
#include "certificate_maker.hpp"

#include <openssl/ecdsa.h>

namespace fill {

namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

[[nodiscard]] Bytes hashed(const Bytes& data, const EVP_MD* digest) {
    Bytes hash(static_cast<std::size_t>(EVP_MD_get_size(digest)));
    must(EVP_Digest(data.data(), data.size(), hash.data(), nullptr, digest, nullptr), "cannot hash");
    return hash;
}

/// r and s side by side, as tokens give them, in the DER of certificates.
[[nodiscard]] Bytes der_signature(const Bytes& both) {
    const int half = static_cast<int>(both.size() / 2);
    Number r(must_have(BN_bin2bn(both.data(), half, nullptr), "no memory"));
    Number s(must_have(BN_bin2bn(both.data() + half, half, nullptr), "no memory"));
    const std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>> signature(
        must_have(ECDSA_SIG_new(), "no memory"));
    must(ECDSA_SIG_set0(signature.get(), r.get(), s.get()), "no memory");
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    // DSA's signatures have the same form.
    return der_of(signature.get(), i2d_ECDSA_SIG);
}

[[nodiscard]] CK_MECHANISM_TYPE rsa_mechanism(const EVP_MD* digest) {
    switch (EVP_MD_get_type(digest)) {
    case NID_sha384: return CKM_SHA384_RSA_PKCS;
    case NID_sha512: return CKM_SHA512_RSA_PKCS;
    default: return CKM_SHA256_RSA_PKCS;
    }
}

} // namespace

Signer software_signer(EVP_PKEY& key) {
    return {&key, [&key](const Bytes& data, const EVP_MD* digest) {
                const DigestContext context(must_have(EVP_MD_CTX_new(), "no memory"));
                must(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, &key), "cannot sign");
                std::size_t size = 0;
                must(EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()), "cannot sign");
                Bytes signature(size);
                must(EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()),
                     "cannot sign");
                signature.resize(size);
                return signature;
            }};
}

Signer token_signer(TokenSession& token, CK_OBJECT_HANDLE private_key, const EVP_PKEY& public_key,
                    bool authenticate) {
    return {
        &public_key,
        [&token, private_key, &public_key, authenticate](const Bytes& data, const EVP_MD* digest) {
            switch (type_of(public_key)) {
            case EntryType::rsa: return token.sign(private_key, rsa_mechanism(digest), data, authenticate);
            // Hashed here: few tokens know ECDSA with every hash, and all know it without one.
            case EntryType::ec:
                return der_signature(token.sign(private_key, CKM_ECDSA, hashed(data, digest), authenticate));
            case EntryType::dsa:
                return der_signature(token.sign(private_key, CKM_DSA, hashed(data, digest), authenticate));
            default: return token.sign(private_key, CKM_EDDSA, data, authenticate);
            }
        }};
}

} // namespace fill
