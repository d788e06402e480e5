// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace keyway::x509 {

/// What a certificate is for.
enum class CertificateKind {
    root,
    intermediate,
    server,
    client,
    ocsp_responder,
};

/// Whether a part of a certificate may or must be there.
enum class Presence {
    absent,
    allowed,
    required,
};

/// What all certificates of one kind have in common; docs/profiles.md shows the result.
struct Profile {
    CertificateKind kind;

    /// As written on the command line and in JSON.
    std::string_view name;

    /// Whether it may issue: `required` gives CA:TRUE, `absent` CA:FALSE, both critical. RFC 5280 4.2.1.9
    Presence authority;

    /// `Botan::Key_Constraints` bits, for any key; the extension is critical. RFC 5280 4.2.1.3
    std::uint32_t key_usage;

    /// Bits added where the key is RSA, because only that can encipher keys. RFC 5280 4.2.1.3
    std::uint32_t key_usage_of_rsa;

    /// The object identifier of the one purpose, or empty for none; not critical. RFC 5280 4.2.1.12
    std::string_view purpose;

    /// The subject's name; where empty, the alternative names stand in and are critical. RFC 5280 4.1.2.6
    Presence subject;

    /// RFC 5280 4.2.1.6; for servers RFC 9525 2 takes the names from nowhere else
    Presence alternative_names;

    /// How many authorities may follow below. RFC 5280 4.2.1.9
    Presence path_length;

    /// RFC 5280 4.2.1.10
    Presence name_constraints;

    /// The key identifier of the issuer; a self-signed certificate may go without. RFC 5280 4.2.1.1
    Presence authority_key_identifier;

    /// id-ad-caIssuers in authority information access. RFC 5280 4.2.2.1
    Presence ca_issuers_url;

    /// Where to ask for revocation: OCSP in authority information access, CRL distribution points.
    /// RFC 5280 4.2.2.1 and 4.2.1.13
    Presence revocation_urls;

    /// Says that the certificate itself need not be checked for revocation. RFC 6960 4.2.2.2.1
    Presence ocsp_no_check;
};

/// All profiles, in the order of CertificateKind.
[[nodiscard]] KEYWAY_API std::span<const Profile> all_profiles() noexcept;

[[nodiscard]] KEYWAY_API const Profile& profile_of(CertificateKind kind) noexcept;

/// The profile of that name; "ocsp" is also found as "ocsp-responder".
/// @throws Errc::invalid_argument when no profile has that name
[[nodiscard]] KEYWAY_API const Profile& find_profile(std::string_view name);

}  // namespace keyway::x509
