// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/signature_scheme.hpp>
#include <keyway/x509/names.hpp>

#include <botan/x509cert.h>

#include <cstdint>
#include <vector>

namespace keyway::x509 {

/// The subject of an issuer's certificate, byte for byte.
[[nodiscard]] DistinguishedName issuer_name(const Botan::X509_Certificate& issuer);

/// The subject key identifier; where a foreign issuer has none, that of its public key.
[[nodiscard]] std::vector<std::uint8_t> issuer_key_identifier(const Botan::X509_Certificate& issuer);

/// Throws what making an Issuer throws, as far as that needs no private key.
/// @throws Errc::unsupported when the key cannot be read, cannot sign as wished, or is too weak
void require_usable_issuer(const Botan::X509_Certificate& issuer, const SignatureWish& wish);

}  // namespace keyway::x509
