// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/x509/general_name.hpp>
#include <keyway/x509/names.hpp>

#include <botan/asn1_obj.h>
#include <botan/pkix_enums.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::x509 {

/// Whether a reader that does not know an extension must refuse the certificate. @spec RFC 5280 4.2
enum class Criticality {
    critical,
    non_critical,
};

/// An extension of a certificate, CRL or CRL entry, ready to be written.
struct Extension {
    Botan::OID oid;
    Criticality criticality = Criticality::non_critical;
    std::vector<std::uint8_t> value;  ///< the DER encoding that the extension's OCTET STRING holds

    bool operator==(const Extension&) const = default;
};

using Extensions = std::vector<Extension>;

/// Where users of a certificate find what they need to check it: http or ldap URIs, the preferred one first.
struct Urls {
    std::vector<std::string> ocsp;        ///< the issuer's OCSP responders
    std::vector<std::string> ca_issuers;  ///< the issuer's own certificate
    std::vector<std::string> crl;         ///< the CRL that would list the certificate

    bool operator==(const Urls&) const = default;
};

/// A part of the name space, for name constraints. @spec RFC 5280 4.2.1.10
class KEYWAY_API NameSubtree {
public:
    /// A host and everything below it: `example.invalid`.
    /// @throws Errc::invalid_argument
    [[nodiscard]] static NameSubtree dns(std::string_view host);

    /// One mailbox (`name@host`), all of a host (`host`), or all of the hosts below one (`.host`).
    /// @throws Errc::invalid_argument
    [[nodiscard]] static NameSubtree email(std::string_view address);

    /// The URIs of one host (`host`) or of the hosts below one (`.host`).
    /// @throws Errc::invalid_argument
    [[nodiscard]] static NameSubtree uri_host(std::string_view host);

    /// An address range: `192.0.2.0/24`, `2001:db8::/32`.
    /// @throws Errc::invalid_argument also when bits after the prefix are set
    [[nodiscard]] static NameSubtree ip(std::string_view range);

    /// A distinguished name and everything below it.
    [[nodiscard]] static NameSubtree directory(const DistinguishedName& name);

    /// The encoding of the GeneralName.
    [[nodiscard]] const std::vector<std::uint8_t>& der() const noexcept { return der_; }

private:
    explicit NameSubtree(std::vector<std::uint8_t> der);

    std::vector<std::uint8_t> der_;
};

/// The names that the certificates below a CA may and may not have.
struct NameConstraints {
    std::vector<NameSubtree> permitted;
    std::vector<NameSubtree> excluded;
};

/// Which certificates a CRL speaks of. @spec RFC 5280 5.2.5
enum class CrlScope {
    all,
    end_entities,  ///< onlyContainsUserCerts
    authorities,   ///< onlyContainsCACerts
};

/// The SHA-1 of the subject public key's bits: an identifier, on which no security rests.
/// @spec RFC 5280 4.2.1.2 method (1)
[[nodiscard]] KEYWAY_API std::vector<std::uint8_t> key_identifier(
    std::span<const std::uint8_t> public_key_bits);

// Each makes the extension of that name.

/// CA:TRUE, with the number of further CAs that may follow below, where given. @spec RFC 5280 4.2.1.9
[[nodiscard]] KEYWAY_API Extension basic_constraints_of_authority(std::optional<std::size_t> path_length);
/// CA:FALSE. @spec RFC 5280 4.2.1.9
[[nodiscard]] KEYWAY_API Extension basic_constraints_of_end_entity();
/// @spec RFC 5280 4.2.1.3
[[nodiscard]] KEYWAY_API Extension key_usage(Botan::Key_Constraints usage);
/// @spec RFC 5280 4.2.1.12
[[nodiscard]] KEYWAY_API Extension extended_key_usage(const std::vector<Botan::OID>& purposes);
/// @spec RFC 5280 4.2.1.2
[[nodiscard]] KEYWAY_API Extension subject_key_identifier(const std::vector<std::uint8_t>& identifier);
/// @spec RFC 5280 4.2.1.1, 5.2.1
[[nodiscard]] KEYWAY_API Extension authority_key_identifier(std::span<const std::uint8_t> identifier);
/// @spec RFC 5280 4.2.1.6
[[nodiscard]] KEYWAY_API Extension subject_alternative_name(const GeneralNames& names,
                                                            Criticality criticality);
/// @spec RFC 5280 4.2.1.10
[[nodiscard]] KEYWAY_API Extension name_constraints(const NameConstraints& constraints);
/// OCSP and caIssuers of the URLs. @throws Errc::invalid_argument when one is no URI. @spec RFC 5280 4.2.2.1
[[nodiscard]] KEYWAY_API Extension authority_information_access(const Urls& urls);
/// One distribution point that can be had from each of these. @throws Errc::invalid_argument when one is no
/// URI. @spec RFC 5280 4.2.1.13
[[nodiscard]] KEYWAY_API Extension crl_distribution_points(const std::vector<std::string>& urls);
/// @throws Errc::invalid_argument when a URL is no URI. @spec RFC 5280 5.2.5
[[nodiscard]] KEYWAY_API Extension issuing_distribution_point(const std::vector<std::string>& urls,
                                                              CrlScope scope);
/// @spec RFC 6960 4.2.2.2.1
[[nodiscard]] KEYWAY_API Extension ocsp_no_check();
/// @spec RFC 5280 5.2.3
[[nodiscard]] KEYWAY_API Extension crl_number(std::uint64_t number);
/// @spec RFC 5280 5.3.1
[[nodiscard]] KEYWAY_API Extension crl_reason(Botan::CRL_Code reason);

}  // namespace keyway::x509
