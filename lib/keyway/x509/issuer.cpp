// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/issuer_internal.hpp>
#include <keyway/x509/signed_object_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/extension.hpp>
#include <keyway/x509/issuer.hpp>

#include <botan/x509_key.h>

#include <utility>

namespace keyway::x509 {

namespace {

/// The public key, once its form has gone through one decoder: encodings that mean the same become the same.
std::vector<std::uint8_t> normalised(const std::vector<std::uint8_t>& subject_public_key_info) {
    return Botan::X509::load_key(subject_public_key_info)->subject_public_key();
}

std::unique_ptr<Botan::Public_Key> public_key_of(const Botan::X509_Certificate& certificate,
                                                 const DistinguishedName& name) {
    try {
        return certificate.subject_public_key();
    } catch(const Botan::Exception& cause) {
        std::throw_with_nested(Error{Errc::unsupported, "the public key of the certificate " +
                                                            in_quotes(name.to_string()) +
                                                            " cannot be read: " + cause.what()});
    }
}

std::unique_ptr<Botan::Public_Key> matching_public_key(const Botan::X509_Certificate& certificate,
                                                       const DistinguishedName& name,
                                                       const Botan::Private_Key& key) {
    std::unique_ptr<Botan::Public_Key> public_key = public_key_of(certificate, name);
    if(public_key->subject_public_key() != normalised(key.subject_public_key())) {
        throw Error{Errc::key_mismatch,
                    "the private key is not the one of the certificate " + in_quotes(name.to_string()),
                    "name the key that the certificate was made for"};
    }
    require_strong_key(*public_key);
    return public_key;
}

}  // namespace

DistinguishedName issuer_name(const Botan::X509_Certificate& issuer) {
    return DistinguishedName::from_der(issuer.raw_subject_dn());
}

std::vector<std::uint8_t> issuer_key_identifier(const Botan::X509_Certificate& issuer) {
    return issuer.subject_key_id().empty() ? key_identifier(issuer.subject_public_key_bitstring())
                                           : issuer.subject_key_id();
}

void require_usable_issuer(const Botan::X509_Certificate& issuer, const SignatureWish& wish) {
    const std::unique_ptr<Botan::Public_Key> key = public_key_of(issuer, issuer_name(issuer));
    static_cast<void>(choose_scheme(*key, wish));
    require_strong_key(*key);
}

Issuer::Issuer(Botan::X509_Certificate certificate, const Botan::Private_Key& key,
               Botan::RandomNumberGenerator& rng, const SignatureWish& wish)
    : certificate_(std::move(certificate)),
      name_(issuer_name(certificate_)),
      key_identifier_(issuer_key_identifier(certificate_)),
      scheme_(choose_scheme(key, wish)),
      signer_(
          std::make_unique<ObjectSigner>(key, matching_public_key(certificate_, name_, key), scheme_, rng)) {}

Issuer::Issuer(Issuer&&) noexcept = default;
Issuer& Issuer::operator=(Issuer&&) noexcept = default;
Issuer::~Issuer() = default;

const Botan::AlgorithmIdentifier& Issuer::algorithm() const noexcept {
    return signer_->algorithm();
}

std::vector<std::uint8_t> Issuer::sign(std::span<const std::uint8_t> to_be_signed,
                                       Botan::RandomNumberGenerator& rng) {
    return signer_->sign(to_be_signed, rng);
}

}  // namespace keyway::x509
