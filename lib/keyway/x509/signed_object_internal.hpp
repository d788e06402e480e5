// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/signature_scheme.hpp>
#include <keyway/x509/extension.hpp>

#include <botan/der_enc.h>
#include <botan/pubkey.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace keyway::x509 {

/// Writes a SEQUENCE of extensions. @spec RFC 5280 4.1
void put_extensions(Botan::DER_Encoder& out, const Extensions& extensions);

/// Refuses keys that are too weak to be certified or to certify, or that certificates cannot name.
/// @throws Errc::unsupported for RSA and DSA below 2048 bits, curves below 224 bits, or curves without a name
void require_strong_key(const Botan::Public_Key& key);

/// Refuses also RSA keys that nobody should certify, however long: small or even exponents, and a modulus that is no
/// product. @throws Errc::unsupported
void require_certifiable_key(const Botan::Public_Key& key);

/// Signs certificates and lists, and lets out only what verifies.
class ObjectSigner {
public:
    /// `public_key`: what the signatures are verified with. The private key must outlive the signer.
    /// @throws Errc::unsupported when the key does not offer the scheme
    ObjectSigner(const Botan::Private_Key& key, std::unique_ptr<Botan::Public_Key> public_key,
                 const SignatureScheme& scheme, Botan::RandomNumberGenerator& rng);

    [[nodiscard]] const Botan::AlgorithmIdentifier& algorithm() const noexcept { return algorithm_; }

    /// The signed object: what was to be signed, the algorithm and the signature.
    /// @throws Errc::verification_failed when the signature made does not verify with the public key
    [[nodiscard]] std::vector<std::uint8_t> sign(std::span<const std::uint8_t> to_be_signed,
                                                 Botan::RandomNumberGenerator& rng);

private:
    std::unique_ptr<Botan::Public_Key> public_key_;
    Botan::PK_Signer signer_;
    Botan::AlgorithmIdentifier algorithm_;
    Botan::PK_Verifier verifier_;
};

}  // namespace keyway::x509
