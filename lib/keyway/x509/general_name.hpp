// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::x509 {

/// A host, mail address, web address or IP address, checked for its form.
///
/// @threadsafety a value: reading is safe from any thread
/// @spec RFC 5280 4.2.1.6
class KEYWAY_API GeneralName {
public:
    /// The values are the tags of the encoding.
    enum class Kind : std::uint8_t {
        email = 1,
        dns = 2,
        uri = 6,
        ip = 7,
    };

    /// A host name in letters, digits and hyphens; its first label may be `*`, where at least two others follow.
    /// @throws Errc::invalid_argument when it is none, for instance an IP address or a name outside ASCII
    [[nodiscard]] static GeneralName dns(std::string_view host);

    /// `local@host`, in ASCII.
    /// @throws Errc::invalid_argument
    [[nodiscard]] static GeneralName email(std::string_view address);

    /// An absolute URI: `scheme:rest`, in ASCII.
    /// @throws Errc::invalid_argument
    [[nodiscard]] static GeneralName uri(std::string_view uri);

    /// An IPv4 address in four numbers, or an IPv6 address in any of its notations.
    /// @throws Errc::invalid_argument
    [[nodiscard]] static GeneralName ip(std::string_view address);

    /// Reads `dns:HOST`, `ip:ADDRESS`, `email:ADDRESS` or `uri:URI`, the first word in either case.
    /// @throws Errc::invalid_argument
    [[nodiscard]] static GeneralName parse(std::string_view text);

    [[nodiscard]] Kind kind() const noexcept { return kind_; }

    /// The value as it is encoded: text in ASCII, or 4 or 16 octets of an IP address.
    [[nodiscard]] const std::string& value() const noexcept { return value_; }

    /// The value for people, without its kind; IP addresses in their usual notation.
    [[nodiscard]] std::string text() const;

    /// The kind and the value; GeneralName::parse reads it back.
    [[nodiscard]] std::string to_string() const;

    bool operator==(const GeneralName&) const = default;

private:
    GeneralName(Kind kind, std::string value);

    Kind kind_;
    std::string value_;
};

using GeneralNames = std::vector<GeneralName>;

/// The names in their order, each the first time it comes.
[[nodiscard]] KEYWAY_API GeneralNames without_duplicates(const GeneralNames& names);

/// The DER encoding of a list of names, as a subject alternative name extension holds it.
[[nodiscard]] KEYWAY_API std::vector<std::uint8_t> encode_general_names(const GeneralNames& names);

/// Reads the DER encoding of a list of names.
/// @throws Errc::malformed_data when it is not one, or a name in it is not of the form of its kind
/// @throws Errc::unsupported when it has a name of another kind
[[nodiscard]] KEYWAY_API GeneralNames decode_general_names(std::span<const std::uint8_t> der);

}  // namespace keyway::x509
