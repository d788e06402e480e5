// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/x509/general_name.hpp>
#include <keyway/x509/names.hpp>

#include <botan/pk_keys.h>

#include <cstdint>
#include <memory>
#include <span>

namespace keyway::x509 {

/// What is taken from a certificate request: who asks, for which key, under which names.
///
/// Nothing else is: a request for CA rights, key usages, purposes or any other extension is not looked at,
/// because the profile decides them. Subject and names are only claims of the requester; whoever issues has
/// to check them. Issuing holds the subject to the same rules as one from text.
struct CertificateRequest {
    DistinguishedName subject;
    std::shared_ptr<const Botan::Public_Key> public_key;
    GeneralNames alternative_names;  ///< each once
};

/// Reads one PKCS #10 request in PEM or DER and verifies that the requester holds the private key.
/// @throws Errc::malformed_data when it is none, truncated, or followed by something else
/// @throws Errc::verification_failed when its signature is not by the key in it
/// @throws Errc::unsupported when its key, signature scheme or a kind of alternative name is not known, or
/// the signature's hash is too weak
/// @spec RFC 2986 4, RFC 2985 5.4.2
[[nodiscard]] KEYWAY_API CertificateRequest read_request(std::span<const std::uint8_t> pem_or_der);

}  // namespace keyway::x509
