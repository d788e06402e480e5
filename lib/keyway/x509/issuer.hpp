// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/x509/names.hpp>

#include <botan/x509cert.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace Botan {
class AlgorithmIdentifier;
class Private_Key;
class RandomNumberGenerator;
}  // namespace Botan

namespace keyway::x509 {

class ObjectSigner;

/// A certificate together with its private key, ready to sign certificates and revocation lists.
///
/// Opens one signing operation and keeps it, which is much faster than one for each signature. The private
/// key may be anywhere (a file, a token): only its public key and its signatures are used. It must outlive
/// the issuer.
/// @threadsafety not safe: one per thread
class KEYWAY_API Issuer {
public:
    /// @throws Errc::key_mismatch when the key is not that of the certificate
    /// @throws Errc::unsupported when the key cannot sign as wished, or is too weak
    Issuer(Botan::X509_Certificate certificate, const Botan::Private_Key& key,
           Botan::RandomNumberGenerator& rng, const SignatureWish& wish = {});

    Issuer(Issuer&&) noexcept;
    Issuer& operator=(Issuer&&) noexcept;
    Issuer(const Issuer&) = delete;
    Issuer& operator=(const Issuer&) = delete;
    ~Issuer();

    [[nodiscard]] const Botan::X509_Certificate& certificate() const noexcept { return certificate_; }

    /// The subject of the certificate, byte for byte: the issuer name of what is issued.
    [[nodiscard]] const DistinguishedName& name() const noexcept { return name_; }

    /// The subject key identifier of the certificate; where it has none, that of the public key.
    /// @spec RFC 5280 4.2.1.1
    [[nodiscard]] const std::vector<std::uint8_t>& key_identifier() const noexcept { return key_identifier_; }

    [[nodiscard]] const SignatureScheme& scheme() const noexcept { return scheme_; }

    /// The scheme as the signed objects name it.
    [[nodiscard]] const Botan::AlgorithmIdentifier& algorithm() const noexcept;

    /// Signs the encoding of a to-be-signed certificate, list or response, and verifies the signature with
    /// the public key of the certificate before handing the signed object out.
    /// @throws Errc::verification_failed when it does not verify
    [[nodiscard]] std::vector<std::uint8_t> sign(std::span<const std::uint8_t> to_be_signed,
                                                 Botan::RandomNumberGenerator& rng);

private:
    Botan::X509_Certificate certificate_;
    DistinguishedName name_;
    std::vector<std::uint8_t> key_identifier_;
    SignatureScheme scheme_;
    std::unique_ptr<ObjectSigner> signer_;
};

}  // namespace keyway::x509
