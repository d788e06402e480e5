// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "token_session.hpp"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace fill {

template <auto Free>
struct Freed {
    template <typename Object>
    void operator()(Object* object) const {
        Free(object);
    }
};

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

/// A Failure with what libcrypto says about it, for the entry's error message.
[[nodiscard]] helper::Failure crypto_failure(const std::string& what);

/// @throws helper::Failure unless the result is what OpenSSL calls success
void must(int result, const char* what);

/// @throws helper::Failure when it is null
template <typename Object>
[[nodiscard]] Object* must_have(Object* object, const char* what) {
    if (object == nullptr) {
        throw crypto_failure(what);
    }
    return object;
}

/// The DER that one of OpenSSL's i2d functions writes.
template <typename Object, typename Encoder>
[[nodiscard]] Bytes der_of(Object* object, Encoder encoder) {
    const int size = encoder(object, nullptr);
    if (size <= 0) {
        throw crypto_failure("cannot encode");
    }
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* at = der.data();
    encoder(object, &at);
    return der;
}

} // namespace fill
