// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "key_material.hpp"

#include <functional>
#include <string>

namespace fill {

using softhsm_fixtures::internal::CertificateRecipe;

/// Signs for an issuer, in software or in the token.
struct Signer {
    const EVP_PKEY* public_key = nullptr;
    /// The signature over the data in the form that certificates have, with the digest, which EdDSA has none
    /// of.
    std::function<Bytes(const Bytes& data, const EVP_MD* digest)> sign;
};

/// Signs with a private key in memory.
[[nodiscard]] Signer software_signer(EVP_PKEY& key);

/// Signs with a key in the token, whose public key is known.
[[nodiscard]] Signer token_signer(TokenSession& token, CK_OBJECT_HANDLE private_key,
                                  const EVP_PKEY& public_key, bool authenticate);

/// What is certified.
struct CertificateRequest {
    const CertificateRecipe* recipe = nullptr;
    unsigned n = 1;          ///< which copy of the entry
    std::string common_name; ///< when the recipe has no subject
    EVP_PKEY* key = nullptr;
    X509* issuer = nullptr; ///< null: itself
};

/// @throws helper::Failure
[[nodiscard]] Certificate make_certificate(const CertificateRequest& request, const Signer& signer);

/// Reads the one certificate of a PEM text.
///
/// @throws helper::Failure
[[nodiscard]] Certificate read_certificate(const std::string& pem);

/// The attributes that a certificate object has from its certificate.
void add_certificate_value(Template& out, X509& certificate, bool ca);

} // namespace fill
