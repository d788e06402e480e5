// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Botan {
class X509_DN;
}

namespace keyway::x509 {

/// The name of a subject or issuer.
///
/// Holds the DER encoding itself, so that a name taken from a certificate or request is written back byte for
/// byte.
/// @threadsafety a value: reading is safe from any thread
/// @spec RFC 5280 4.1.2.4
class KEYWAY_API DistinguishedName {
public:
    /// The empty name.
    DistinguishedName();

    /// Reads a name.
    ///
    /// Either `CN=Example Root,O=Example,C=NO` (RFC 4514: the most specific first, `\` escapes, `+` joins the
    /// parts of one relative name) or `/C=NO/O=Example/CN=Example Root` (as OpenSSL writes it: the most
    /// general first). Spaces are allowed after a separator. Types: CN, SN (surname), serialNumber, C, L, ST,
    /// street, O, OU, title, GN, initials, generationQualifier, dnQualifier, pseudonym, businessCategory,
    /// postalCode, organizationIdentifier, DC, UID, emailAddress, jurisdictionL, jurisdictionST,
    /// jurisdictionC, or an object identifier in digits. Values are UTF-8; country, serialNumber and
    /// dnQualifier become PrintableString, DC and emailAddress IA5String, all others UTF8String.
    /// @throws Errc::invalid_argument when the text is malformed, or a value does not fit its type or its
    /// length limit, or holds a control character
    /// @spec RFC 4514 3, RFC 5280 4.1.2.4 and A.1
    [[nodiscard]] static DistinguishedName parse(std::string_view text);

    /// Takes over an encoded name.
    /// @throws Errc::malformed_data when it is not the DER encoding of a name made of strings
    [[nodiscard]] static DistinguishedName from_der(std::span<const std::uint8_t> der);
    [[nodiscard]] static DistinguishedName from_botan(const Botan::X509_DN& name);

    [[nodiscard]] const std::vector<std::uint8_t>& der() const noexcept { return der_; }
    [[nodiscard]] Botan::X509_DN to_botan() const;

    /// The name as RFC 4514 writes it, the most specific first; DistinguishedName::parse reads it back where it takes the
    /// values.
    [[nodiscard]] std::string to_string() const;

    /// The first common name in the order of the encoding.
    [[nodiscard]] std::optional<std::string> common_name() const;

    [[nodiscard]] bool empty() const noexcept;

    /// Holds a name that came encoded to the rules that a name from text keeps.
    /// @throws Errc::invalid_argument naming the attribute, as parse() does
    void require_fitting_values() const;

    /// Equality of the encodings.
    bool operator==(const DistinguishedName&) const = default;

private:
    explicit DistinguishedName(std::vector<std::uint8_t> der);

    std::vector<std::uint8_t> der_;
};

}  // namespace keyway::x509
