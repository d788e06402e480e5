// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/attribute_types_internal.hpp>

#include <keyway/core/error.hpp>

#include <botan/ber_dec.h>
#include <botan/hex.h>

#include <algorithm>
#include <optional>
#include <string>

namespace keyway::x509 {

namespace {

/// RFC 4514 separates by commas and forbids some characters unescaped; OpenSSL's form separates by slashes.
struct Notation {
    char separator;
    std::string_view must_be_escaped;
};

constexpr Notation rfc4514{',', "\";<>"};
constexpr Notation openssl{'/', ""};

bool is_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class NameParser {
public:
    NameParser(std::string_view text, const Notation& notation) : text_(text), notation_(notation) {}

    std::vector<RelativeName> parse() {
        std::vector<RelativeName> names;
        do {
            names.push_back(relative_name());
        } while(take(notation_.separator));
        return names;
    }

private:
    RelativeName relative_name() {
        RelativeName name;
        do {
            Attribute next = attribute();
            if(std::any_of(name.begin(), name.end(),
                           [&](const Attribute& a) { return a.type == next.type; })) {
                throw malformed("has an attribute twice in one relative name");
            }
            name.push_back(std::move(next));
        } while(take('+'));
        return name;
    }

    Attribute attribute() {
        while(take(' ')) {
        }
        const std::size_t equals = text_.find('=', position_);
        if(equals == std::string_view::npos) {
            throw malformed("has a part without \"=\"");
        }
        const std::string_view type_text = text_.substr(position_, equals - position_);
        position_ = equals + 1;

        const AttributeType* known = find_attribute_type(type_text);
        const std::optional<Botan::OID> oid = known ? Botan::OID(known->oid) : object_identifier(type_text);
        if(!oid) {
            throw malformed("has the unknown attribute type " + in_quotes(type_text));
        }
        if(known == nullptr) {
            known = find_attribute_type(*oid);
        }

        if(position_ < text_.size() && text_[position_] == '#') {
            return {*oid, encoded_value()};
        }
        const std::string value = string_value();
        if(known != nullptr) {
            return make_attribute(*known, value);
        }
        const AttributeType other{type_text, "", type_text, ValueSyntax::directory, max_characters_of_unknown};
        return make_attribute(other, value);
    }

    /// The rest up to the next separator, with escapes taken out.
    std::string string_value() {
        std::string value;
        std::size_t unescaped_spaces_at_end = 0;
        for(; position_ < text_.size(); ++position_) {
            const char c = text_[position_];
            if(c == '\\') {
                value += escaped();
                unescaped_spaces_at_end = 0;
                continue;
            }
            if(c == notation_.separator || c == '+') {
                break;
            }
            if(notation_.must_be_escaped.find(c) != std::string_view::npos) {
                throw malformed("has an unescaped " + in_quotes({&c, 1}));
            }
            if(c == ' ' && value.empty()) {
                throw malformed("has an unescaped space at the start of a value");
            }
            value += c;
            unescaped_spaces_at_end = c == ' ' ? unescaped_spaces_at_end + 1 : 0;
        }
        if(unescaped_spaces_at_end > 0) {
            throw malformed("has an unescaped space at the end of a value");
        }
        return value;
    }

    /// What follows a backslash: two hexadecimal digits, or a character that stands for itself.
    char escaped() {
        const std::string_view rest = text_.substr(position_ + 1);
        if(rest.size() >= 2 && is_hex(rest[0]) && is_hex(rest[1])) {
            position_ += 2;
            return static_cast<char>(Botan::hex_decode(rest.substr(0, 2)).front());
        }
        constexpr std::string_view itself = "\"+,;<>\\ #=/";
        if(rest.empty() || itself.find(rest[0]) == std::string_view::npos) {
            throw malformed("has a backslash that escapes nothing");
        }
        position_ += 1;
        return rest[0];
    }

    /// `#` and the value's encoding in hexadecimal digits. @spec RFC 4514 2.4
    Botan::ASN1_String encoded_value() {
        const std::size_t begin = position_ + 1;
        position_ = std::min({text_.find(notation_.separator, begin), text_.find('+', begin), text_.size()});
        try {
            Botan::ASN1_String value;
            Botan::BER_Decoder(Botan::hex_decode(text_.substr(begin, position_ - begin), false),
                               Botan::BER_Decoder::Limits::DER())
                .decode(value)
                .verify_end();
            return value;
        } catch(const Botan::Exception&) {
            throw malformed(
                "has a value after \"#\" that is not the encoding of a string in hexadecimal digits");
        }
    }

    static std::optional<Botan::OID> object_identifier(std::string_view text) {
        const bool digits = !text.empty() && text.front() != '.' && text.back() != '.' &&
                            text.find_first_not_of("0123456789.") == std::string_view::npos;
        try {
            return digits ? std::optional(Botan::OID(text)) : std::nullopt;
        } catch(const Botan::Exception&) {
            return std::nullopt;
        }
    }

    bool take(char c) {
        if(position_ < text_.size() && text_[position_] == c) {
            ++position_;
            return true;
        }
        return false;
    }

    [[nodiscard]] Error malformed(const std::string& why) const {
        return {Errc::invalid_argument, "the name " + in_quotes(text_) + " " + why,
                "write names as CN=Example,O=Example Org,C=NO; put a backslash before , + \" \\ < > ; in a "
                "value"};
    }

    std::string_view text_;
    Notation notation_;
    std::size_t position_ = 0;
};

}  // namespace

std::vector<RelativeName> parse_name(std::string_view text) {
    if(text.empty()) {
        return {};
    }
    if(text.front() == '/') {
        return NameParser(text.substr(1), openssl).parse();
    }
    std::vector<RelativeName> names = NameParser(text, rfc4514).parse();
    // RFC 4514 2.1: the text begins with the last relative name of the encoding.
    std::reverse(names.begin(), names.end());
    return names;
}

}  // namespace keyway::x509
