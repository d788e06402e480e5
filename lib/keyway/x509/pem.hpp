// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <botan/x509_crl.h>
#include <botan/x509cert.h>

#include <cstdint>
#include <span>
#include <vector>

namespace keyway::x509 {

/// Reads exactly one certificate in PEM or DER; text around the PEM block is passed over.
/// @throws Errc::malformed_data when it is none, truncated, or there is something else or more of it
/// @throws Errc::unsupported when it is valid beyond the years that Botan reads (3.12: after 3100)
[[nodiscard]] KEYWAY_API Botan::X509_Certificate read_certificate(std::span<const std::uint8_t> pem_or_der);

/// Reads a chain or bundle of at least one certificate in PEM, or one in DER, in the order given.
/// @throws Errc::malformed_data, Errc::unsupported as read_certificate
[[nodiscard]] KEYWAY_API std::vector<Botan::X509_Certificate> read_certificates(
    std::span<const std::uint8_t> pem_or_der);

/// Reads exactly one certificate revocation list in PEM or DER.
/// @throws Errc::malformed_data
[[nodiscard]] KEYWAY_API Botan::X509_CRL read_crl(std::span<const std::uint8_t> pem_or_der);

}  // namespace keyway::x509
