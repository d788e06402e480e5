// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/attribute_types_internal.hpp>

#include <keyway/core/error.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace keyway::x509 {

namespace {

/// Lengths are the upper bounds of RFC 5280 A.1, or where it has none, those of X.520 or generous ones.
constexpr std::array types{
    AttributeType{"CN", "commonName", "2.5.4.3", ValueSyntax::directory, 64},
    AttributeType{"SN", "surname", "2.5.4.4", ValueSyntax::directory, 32768},
    AttributeType{"serialNumber", "", "2.5.4.5", ValueSyntax::printable, 64},
    AttributeType{"C", "countryName", "2.5.4.6", ValueSyntax::country, 2},
    AttributeType{"L", "localityName", "2.5.4.7", ValueSyntax::directory, 128},
    AttributeType{"ST", "stateOrProvinceName", "2.5.4.8", ValueSyntax::directory, 128},
    AttributeType{"STREET", "streetAddress", "2.5.4.9", ValueSyntax::directory, 128},
    AttributeType{"O", "organizationName", "2.5.4.10", ValueSyntax::directory, 64},
    AttributeType{"OU", "organizationalUnitName", "2.5.4.11", ValueSyntax::directory, 64},
    AttributeType{"title", "", "2.5.4.12", ValueSyntax::directory, 64},
    AttributeType{"businessCategory", "", "2.5.4.15", ValueSyntax::directory, 128},
    AttributeType{"postalCode", "", "2.5.4.17", ValueSyntax::directory, 40},
    AttributeType{"GN", "givenName", "2.5.4.42", ValueSyntax::directory, 32768},
    AttributeType{"initials", "", "2.5.4.43", ValueSyntax::directory, 32768},
    AttributeType{"generationQualifier", "", "2.5.4.44", ValueSyntax::directory, 32768},
    AttributeType{"dnQualifier", "", "2.5.4.46", ValueSyntax::printable, 64},
    AttributeType{"pseudonym", "", "2.5.4.65", ValueSyntax::directory, 128},
    AttributeType{"organizationIdentifier", "", "2.5.4.97", ValueSyntax::directory, 256},
    AttributeType{"DC", "domainComponent", "0.9.2342.19200300.100.1.25", ValueSyntax::ia5, 63},
    AttributeType{"UID", "userId", "0.9.2342.19200300.100.1.1", ValueSyntax::directory, 256},
    AttributeType{"emailAddress", "E", "1.2.840.113549.1.9.1", ValueSyntax::ia5, 255},
    AttributeType{"jurisdictionL", "", "1.3.6.1.4.1.311.60.2.1.1", ValueSyntax::directory, 128},
    AttributeType{"jurisdictionST", "", "1.3.6.1.4.1.311.60.2.1.2", ValueSyntax::directory, 128},
    AttributeType{"jurisdictionC", "", "1.3.6.1.4.1.311.60.2.1.3", ValueSyntax::country, 2},
};

Botan::ASN1_Type string_type(ValueSyntax syntax) noexcept {
    switch(syntax) {
        case ValueSyntax::directory:
            return Botan::ASN1_Type::Utf8String;
        case ValueSyntax::ia5:
            return Botan::ASN1_Type::Ia5String;
        case ValueSyntax::printable:
        case ValueSyntax::country:
            break;
    }
    return Botan::ASN1_Type::PrintableString;
}

std::size_t count_characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_country_code(std::string_view value) {
    return value.size() == 2 &&
           std::all_of(value.begin(), value.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as C2 80 to C2 9F.
bool has_control_character(std::string_view utf8) {
    for(std::size_t i = 0; i < utf8.size(); ++i) {
        const auto octet = static_cast<unsigned char>(utf8[i]);
        const bool c1 = octet == 0xC2 && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xA0;
        if(octet < 0x20 || octet == 0x7F || c1) {
            return true;
        }
    }
    return false;
}

std::string shown(std::string_view value) {
    constexpr std::size_t most = 256;
    return in_quotes(value.size() <= most ? std::string(value) : std::string(value.substr(0, most)) + "...");
}

Error does_not_fit(const AttributeType& type, std::string_view value, const std::string& why,
                   std::string hint = {}) {
    return {Errc::invalid_argument, "value " + shown(value) + " of " + in_quotes(type.name) + " " + why,
            std::move(hint)};
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) noexcept {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return fold(x) == fold(y); });
}

const AttributeType* find_attribute_type(std::string_view name) noexcept {
    const auto found = std::find_if(types.begin(), types.end(), [&](const AttributeType& type) {
        return same_word(name, type.name) || (!type.alias.empty() && same_word(name, type.alias));
    });
    return found == types.end() ? nullptr : &*found;
}

const AttributeType* find_attribute_type(const Botan::OID& oid) {
    const std::string wanted = oid.to_string();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const AttributeType& type) { return type.oid == wanted; });
    return found == types.end() ? nullptr : &*found;
}

Attribute make_attribute(const AttributeType& type, std::string_view value) {
    if(value.empty()) {
        throw does_not_fit(type, value, "is empty", "leave the attribute out");
    }
    if(type.syntax == ValueSyntax::country && !is_country_code(value)) {
        throw does_not_fit(type, value, "is not a country code of two capital letters",
                           "use the code of ISO 3166-1, for instance NO for Norway");
    }
    if(has_control_character(value)) {
        throw does_not_fit(type, value, "holds a control character", "names are one line of text");
    }
    if(count_characters(value) > type.max_characters) {
        throw does_not_fit(type, value,
                           "is longer than " + std::to_string(type.max_characters) + " characters",
                           "shorten it: it has " + std::to_string(count_characters(value)));
    }
    try {
        return {Botan::OID(type.oid), Botan::ASN1_String(value, string_type(type.syntax))};
    } catch(const Botan::Invalid_Argument&) {
        switch(type.syntax) {
            case ValueSyntax::directory:
                throw does_not_fit(type, value, "is not UTF-8", "write it in UTF-8");
            case ValueSyntax::ia5:
                throw does_not_fit(type, value, "has characters outside ASCII",
                                   "write it in ASCII, hosts in their xn-- form");
            case ValueSyntax::printable:
            case ValueSyntax::country:
                break;
        }
        throw does_not_fit(type, value, "has characters other than letters, digits, space and '()+,-./:=?",
                           "leave the others out");
    }
}

void require_fitting_value(const Attribute& attribute) {
    const std::string oid = attribute.type.to_string();
    const AttributeType* known = find_attribute_type(attribute.type);
    const AttributeType other{oid, "", oid, ValueSyntax::directory, max_characters_of_unknown};
    static_cast<void>(make_attribute(known != nullptr ? *known : other, attribute.value.value()));
}

}  // namespace keyway::x509
