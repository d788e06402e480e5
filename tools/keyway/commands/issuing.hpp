// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../output_file.hpp"
#include "../session.hpp"

#include <keyway/key/signature_scheme.hpp>
#include <keyway/x509/certificate.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// --days and --not-after.
[[nodiscard]] std::vector<Flag> validity_flags(const std::string& usual);

/// From now on, for as long as the flags say; else for the usual time, cut off where the issuer's own ends.
/// @throws Errc::usage when both flags are given; Errc::invalid_argument
[[nodiscard]] x509::Validity validity(const Session& session, const Arguments& arguments,
                                      std::chrono::days usual,
                                      const std::optional<Botan::X509_Certificate>& issuer);

/// --crl-url, --ocsp-url and --issuer-url.
[[nodiscard]] std::vector<Flag> url_flags();
[[nodiscard]] x509::Urls urls(const Arguments& arguments);

/// The wish of --scheme.
[[nodiscard]] SignatureWish signature_wish(const Arguments& arguments);

/// The certificate in the file that a flag names.
[[nodiscard]] Botan::X509_Certificate certificate_of(const Arguments& arguments, std::string_view flag);

using MaybeCertificate = std::optional<Botan::X509_Certificate>;

/// Opens the issuer's key and has a certificate signed with it, which is recorded before it is handed out.
/// @param sign makes the certificate, or nothing
[[nodiscard]] MaybeCertificate sign_certificate(Session& session, const NamedKey& issuer_key,
                                                const x509::CertificateFields& fields,
                                                const std::function<MaybeCertificate(const Botan::Private_Key&)>& sign);

/// Refuses a key as one of a CA.
/// @throws Errc::unsupported when it is where it is by fallback
void require_own_place(const NamedKey& named);

/// Tells what would be issued.
void report_dry_run(const Session& session, x509::CertificateKind kind, const x509::CertificateFields& fields,
                    const SignatureScheme& scheme);

/// Writes the certificate, and tells what it says.
void hand_out(const Session& session, x509::CertificateKind kind, const x509::CertificateFields& fields,
              const Botan::X509_Certificate& certificate, const OutputFile& file);

}  // namespace keyway::cli
