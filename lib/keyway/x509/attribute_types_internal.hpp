// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/asn1_obj.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace keyway::x509 {

/// The string type an attribute's value is written in.
enum class ValueSyntax {
    directory,  ///< DirectoryString: always written as UTF8String
    printable,  ///< PrintableString
    ia5,        ///< IA5String
    country,    ///< PrintableString of two capital letters
};

/// A type of attribute in a distinguished name.
struct AttributeType {
    std::string_view name;   ///< as written
    std::string_view alias;  ///< also read, or empty
    std::string_view oid;
    ValueSyntax syntax;
    std::size_t max_characters;
};

/// For types that are not known.
constexpr std::size_t max_characters_of_unknown = 32768;

/// nullptr where the type is not known by that name.
[[nodiscard]] const AttributeType* find_attribute_type(std::string_view name) noexcept;
[[nodiscard]] const AttributeType* find_attribute_type(const Botan::OID& oid);

/// One attribute of a relative distinguished name.
struct Attribute {
    Botan::OID type;
    Botan::ASN1_String value;
};

/// A relative distinguished name: one attribute, or several of different types.
using RelativeName = std::vector<Attribute>;

/// Makes the value of an attribute in the string type its syntax asks for.
/// @throws Errc::invalid_argument when it has characters or a length that do not fit
[[nodiscard]] Attribute make_attribute(const AttributeType& type, std::string_view value);

/// Sees whether an attribute that came encoded has a value as make_attribute would have made it; the string type is
/// left to the one who encoded it.
/// @throws Errc::invalid_argument when it has characters or a length that do not fit
void require_fitting_value(const Attribute& attribute);

/// Letters of ASCII in either case are the same.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b) noexcept;

/// Reads a name text; see DistinguishedName::parse.
[[nodiscard]] std::vector<RelativeName> parse_name(std::string_view text);

}  // namespace keyway::x509
