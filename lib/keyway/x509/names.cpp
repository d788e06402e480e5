// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/attribute_types_internal.hpp>
#include <keyway/x509/der_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/names.hpp>

#include <botan/ber_dec.h>
#include <botan/hex.h>
#include <botan/pkix_types.h>

#include <algorithm>
#include <utility>

namespace keyway::x509 {

namespace {

std::vector<std::uint8_t> encode(const std::vector<RelativeName>& names) {
    return der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        for(const RelativeName& name : names) {
            out.start_set();
            for(const Attribute& attribute : name) {
                out.start_sequence().encode(attribute.type).encode(attribute.value).end_cons();
            }
            out.end_cons();
        }
        out.end_cons();
    });
}

/// @throws Botan::Decoding_Error
std::vector<RelativeName> decode(std::span<const std::uint8_t> der) {
    std::vector<RelativeName> names;
    Botan::BER_Decoder in(der, Botan::BER_Decoder::Limits::DER());
    Botan::BER_Decoder sequence = in.start_sequence();
    while(sequence.more_items()) {
        Botan::BER_Decoder set = sequence.start_set();
        RelativeName name;
        while(set.more_items()) {
            Attribute attribute;
            set.start_sequence().decode(attribute.type).decode(attribute.value).end_cons();
            name.push_back(std::move(attribute));
        }
        set.end_cons();
        if(name.empty()) {
            throw Botan::Decoding_Error("empty relative distinguished name");
        }
        names.push_back(std::move(name));
    }
    sequence.end_cons();
    in.verify_end();
    return names;
}

std::string escape(std::string_view value) {
    std::string out;
    for(std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        const auto byte = static_cast<unsigned char>(c);
        const bool at_edge = (c == ' ' && (i == 0 || i + 1 == value.size())) || (c == '#' && i == 0);
        if(byte < 0x20 || byte == 0x7F) {
            out += '\\';
            out += Botan::hex_encode(&byte, 1);
        } else if(at_edge || std::string_view("\"+,;<>\\").find(c) != std::string_view::npos) {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
    return out;
}

std::string to_text(const Attribute& attribute) {
    if(const AttributeType* known = find_attribute_type(attribute.type)) {
        return std::string(known->name) + "=" + escape(attribute.value.value());
    }
    return attribute.type.to_string() + "=#" + Botan::hex_encode(attribute.value.BER_encode());
}

}  // namespace

DistinguishedName::DistinguishedName() : der_(encode({})) {}

DistinguishedName::DistinguishedName(std::vector<std::uint8_t> der) : der_(std::move(der)) {}

DistinguishedName DistinguishedName::parse(std::string_view text) {
    return DistinguishedName(encode(parse_name(text)));
}

DistinguishedName DistinguishedName::from_der(std::span<const std::uint8_t> der) {
    try {
        // decoded only to see that it can be
        static_cast<void>(decode(der));
    } catch(const Botan::Exception&) {
        std::throw_with_nested(Error{Errc::malformed_data, "a distinguished name is malformed"});
    }
    return DistinguishedName(std::vector<std::uint8_t>(der.begin(), der.end()));
}

DistinguishedName DistinguishedName::from_botan(const Botan::X509_DN& name) {
    return from_der(name.DER_encode());
}

Botan::X509_DN DistinguishedName::to_botan() const {
    Botan::X509_DN name;
    Botan::BER_Decoder in(der_, Botan::BER_Decoder::Limits::DER());
    name.decode_from(in);
    return name;
}

std::string DistinguishedName::to_string() const {
    std::vector<RelativeName> names = decode(der_);
    std::reverse(names.begin(), names.end());
    std::string out;
    for(const RelativeName& name : names) {
        out += out.empty() ? "" : ",";
        for(std::size_t i = 0; i < name.size(); ++i) {
            out += i == 0 ? "" : "+";
            out += to_text(name[i]);
        }
    }
    return out;
}

std::optional<std::string> DistinguishedName::common_name() const {
    const Botan::OID common_name_type{2, 5, 4, 3};
    for(const RelativeName& name : decode(der_)) {
        for(const Attribute& attribute : name) {
            if(attribute.type == common_name_type) {
                return attribute.value.value();
            }
        }
    }
    return std::nullopt;
}

void DistinguishedName::require_fitting_values() const {
    for(const RelativeName& name : decode(der_)) {
        for(const Attribute& attribute : name) {
            require_fitting_value(attribute);
        }
    }
}

bool DistinguishedName::empty() const noexcept {
    return der_.size() <= 2;
}

}  // namespace keyway::x509
