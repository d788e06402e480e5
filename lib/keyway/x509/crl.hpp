// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/clock.hpp>
#include <keyway/x509/extension.hpp>
#include <keyway/x509/issuer.hpp>
#include <keyway/x509/serial.hpp>

#include <botan/pkix_enums.h>
#include <botan/x509_crl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::x509 {

/// A certificate that no longer holds.
struct RevokedCertificate {
    SerialNumber serial;
    Time revoked_at;
    Botan::CRL_Code reason = Botan::CRL_Code::Unspecified;  ///< left out of the list where unspecified
};

/// What one certificate revocation list says.
struct CrlFields {
    std::uint64_t number;  ///< must grow from list to list of one issuer and scope. RFC 5280 5.2.3
    Time this_update;
    Time next_update;                           ///< when the next list will be there at the latest
    std::vector<RevokedCertificate> revoked{};  ///< in any order; the list has them by serial number
    CrlScope scope = CrlScope::all;
    std::vector<std::string> urls{};  ///< where this list can be had; named in it where given. RFC 5280 5.2.5
};

/// Makes a complete version 2 revocation list, signed by the issuer and verified before it is handed out.
/// @throws Errc::invalid_argument when the times are out of order or before the issuer's validity, a serial
/// number is there twice, a reason has no place in a complete list, or the issuer may not sign lists
/// @throws Errc::verification_failed when the signature made does not verify
/// @spec RFC 5280 5
[[nodiscard]] KEYWAY_API Botan::X509_CRL issue_crl(Issuer& issuer, const CrlFields& fields,
                                                   Botan::RandomNumberGenerator& rng);

/// Throws what making an Issuer and issue_crl would throw before anything is signed, without the private key.
/// @throws as Issuer and issue_crl
KEYWAY_API void check_crl(const Botan::X509_Certificate& issuer, const CrlFields& fields,
                          const SignatureWish& wish = {});

/// The reason by its name in RFC 5280: "keyCompromise".
[[nodiscard]] KEYWAY_API std::string_view to_string(Botan::CRL_Code reason) noexcept;

/// Reads a reason by its name in RFC 5280, in upper or lower case.
/// @throws Errc::invalid_argument when there is none of that name
[[nodiscard]] KEYWAY_API Botan::CRL_Code parse_revocation_reason(std::string_view text);

}  // namespace keyway::x509
