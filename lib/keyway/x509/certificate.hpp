// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/x509/extension.hpp>
#include <keyway/x509/general_name.hpp>
#include <keyway/x509/issuer.hpp>
#include <keyway/x509/names.hpp>
#include <keyway/x509/profile.hpp>
#include <keyway/x509/serial.hpp>
#include <keyway/x509/validity.hpp>

#include <botan/x509cert.h>

#include <cstddef>
#include <optional>

namespace keyway::x509 {

/// What one certificate has of its own; the rest is in the profile of its kind.
struct CertificateFields {
    DistinguishedName subject;
    SerialNumber serial;
    Validity validity;
    GeneralNames alternative_names{};          ///< at most 1,000; a name that comes again is left out
    Urls urls{};                               ///< of the issuer: where to find it and what it revoked
    std::optional<std::size_t> path_length{};  ///< for CAs: how many further CAs may follow below
    std::optional<NameConstraints> name_constraints{};  ///< for CAs
};

/// Makes a self-signed root certificate, signed by its own key and verified before it is handed out.
/// @throws Errc::invalid_argument when the fields do not make a certificate of this kind
/// @throws Errc::unsupported when the key is too weak, or cannot sign as wished, or Botan cannot read the times
/// @throws Errc::verification_failed when the signature made does not verify
/// @spec RFC 5280 4.1
[[nodiscard]] KEYWAY_API Botan::X509_Certificate issue_root(const Botan::Private_Key& key,
                                                            const CertificateFields& fields,
                                                            Botan::RandomNumberGenerator& rng,
                                                            const SignatureWish& wish = {});

/// Makes a certificate of any other kind, signed by the issuer and verified before it is handed out.
///
/// The issuer must be a CA that may sign certificates, with room below it for another CA where the kind is
/// one, and its validity must include that of the new certificate. Its name constraints are not looked at.
/// @throws Errc::invalid_argument when the fields do not make a certificate of this kind, or the issuer may
/// not issue it
/// @throws Errc::unsupported when the subject's key is too weak or of a type that the kind cannot use, or Botan cannot
/// read the times
/// @throws Errc::verification_failed when the signature made does not verify
/// @spec RFC 5280 4.1, 6.1.4
[[nodiscard]] KEYWAY_API Botan::X509_Certificate issue_certificate(Issuer& issuer, CertificateKind kind,
                                                                   const Botan::Public_Key& subject_key,
                                                                   const CertificateFields& fields,
                                                                   Botan::RandomNumberGenerator& rng);

/// Throws what issue_root would throw before it signs, without the private key.
/// @throws as issue_root
KEYWAY_API void check_root(const Botan::Public_Key& key, const CertificateFields& fields,
                           const SignatureWish& wish = {});

/// Throws what making an Issuer and issue_certificate would throw before anything is signed, without the issuer's
/// private key; that it is the one of the certificate is not known then.
/// @throws as Issuer and issue_certificate
KEYWAY_API void check_certificate(const Botan::X509_Certificate& issuer, CertificateKind kind,
                                  const Botan::Public_Key& subject_key, const CertificateFields& fields,
                                  const SignatureWish& wish = {});

}  // namespace keyway::x509
