// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/certificate_keeper.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace keyway::hsm {

/// Puts a certificate beside the key that it is for.
/// @param certificate DER
/// @throws Errc::malformed_data; Errc::key_mismatch with both fingerprints; Errc::already_exists when it is there and the others stay;
///         as find_key
void keep_certificate(pkcs11::Token& token,
                      const pkcs11::PinProvider& pin,
                      const pkcs11::KeySelector& names,
                      const SpkiFingerprint& fingerprint,
                      std::span<const std::uint8_t> certificate,
                      OtherCertificates others);

/// As CertificateKeeper::kept_certificates.
/// @throws as find_key
[[nodiscard]] std::vector<KeptCertificate> kept_certificates(pkcs11::Token& token,
                                                             const pkcs11::PinProvider& pin,
                                                             const pkcs11::KeySelector& names,
                                                             const SpkiFingerprint& fingerprint);

}  // namespace keyway::hsm
