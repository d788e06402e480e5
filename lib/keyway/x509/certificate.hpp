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

#include <botan/x509cert.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace keyway::x509 {

/// From when to when a certificate holds, both ends included; fractions of a second are cut off.
struct Validity {
    std::chrono::system_clock::time_point not_before;
    std::chrono::system_clock::time_point not_after;
};

/// What one certificate has of its own; the rest is in the profile of its kind.
struct CertificateFields {
    DistinguishedName subject;
    SerialNumber serial;
    Validity validity;
    GeneralNames alternative_names{};
    Urls urls{};                               ///< of the issuer: where to find it and what it revoked
    std::optional<std::size_t> path_length{};  ///< for CAs: how many further CAs may follow below
    std::optional<NameConstraints> name_constraints{};  ///< for CAs
};

/// Makes a self-signed root certificate, signed by its own key and verified before it is handed out.
/// @throws Errc::invalid_argument when the fields do not make a certificate of this kind
/// @throws Errc::unsupported when the key is too weak, or cannot sign as wished
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
/// @throws Errc::unsupported when the subject's key is too weak or of a type that the kind cannot use
/// @throws Errc::verification_failed when the signature made does not verify
/// @spec RFC 5280 4.1, 6.1.4
[[nodiscard]] KEYWAY_API Botan::X509_Certificate issue_certificate(Issuer& issuer, CertificateKind kind,
                                                                   const Botan::Public_Key& subject_key,
                                                                   const CertificateFields& fields,
                                                                   Botan::RandomNumberGenerator& rng);

}  // namespace keyway::x509
