// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/general_name.hpp>

#include <botan/ber_dec.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <arpa/inet.h>

namespace keyway::x509 {

namespace {

struct KindName {
    GeneralName::Kind kind;
    std::string_view name;
    GeneralName (*make)(std::string_view);
};

constexpr std::array kinds{
    KindName{GeneralName::Kind::dns, "dns", &GeneralName::dns},
    KindName{GeneralName::Kind::ip, "ip", &GeneralName::ip},
    KindName{GeneralName::Kind::email, "email", &GeneralName::email},
    KindName{GeneralName::Kind::uri, "uri", &GeneralName::uri},
};

constexpr std::size_t ipv4_octets = 4;
constexpr std::size_t ipv6_octets = 16;

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// A label of letters, digits and inner hyphens. @spec RFC 1034 3.5, RFC 1123 2.1
bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

bool is_host(std::string_view host) {
    if(host.size() > 253) {
        return false;
    }
    std::string_view last;
    for(std::size_t begin = 0;;) {
        const std::size_t dot = host.find('.', begin);
        last = host.substr(begin, dot == std::string_view::npos ? dot : dot - begin);
        if(!is_label(last)) {
            return false;
        }
        if(dot == std::string_view::npos) {
            break;
        }
        begin = dot + 1;
    }
    // a last label of digits alone would make it look like an IPv4 address
    return !std::all_of(last.begin(), last.end(), is_digit);
}

bool is_visible_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

Error bad_name(std::string_view what, std::string_view text, std::string_view hint) {
    return {Errc::invalid_argument, in_quotes(text) + " is not " + std::string(what), std::string(hint)};
}

GeneralName from_tag(std::uint32_t tag, const Botan::BER_Object& object) {
    const std::string value(object.bits(), object.bits() + object.length());
    switch(tag) {
        case 1:
            return GeneralName::email(value);
        case 2:
            return GeneralName::dns(value);
        case 6:
            return GeneralName::uri(value);
        default:
            break;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool valid = (value.size() == ipv4_octets || value.size() == ipv6_octets) &&
                       inet_ntop(value.size() == ipv4_octets ? AF_INET : AF_INET6, value.data(), text.data(),
                                 static_cast<socklen_t>(text.size())) != nullptr;
    if(!valid) {
        throw Error{Errc::invalid_argument, "an IP address has " + std::to_string(value.size()) + " octets"};
    }
    return GeneralName::ip(text.data());
}

}  // namespace

GeneralName::GeneralName(Kind kind, std::string value) : kind_(kind), value_(std::move(value)) {}

GeneralName GeneralName::dns(std::string_view host) {
    const std::string_view rest = host.starts_with("*.") ? host.substr(2) : host;
    if(!is_host(rest)) {
        throw bad_name(
            "a host name", host,
            "use letters, digits and hyphens between dots; write other scripts in their xn-- form");
    }
    if(rest.size() != host.size() && rest.find('.') == std::string_view::npos) {
        throw bad_name("a host name that one certificate can hold", host,
                       "a wildcard stands below at least two labels, for instance *.example.com");
    }
    return {Kind::dns, std::string(host)};
}

GeneralName GeneralName::email(std::string_view address) {
    const std::size_t at = address.rfind('@');
    if(at == std::string_view::npos || at == 0 || !is_visible_ascii(address.substr(0, at)) ||
       address.substr(0, at).find('@') != std::string_view::npos || !is_host(address.substr(at + 1))) {
        throw bad_name("a mail address", address, "write it as name@host, in ASCII");
    }
    return {Kind::email, std::string(address)};
}

GeneralName GeneralName::uri(std::string_view uri) {
    const std::size_t colon = uri.find(':');
    const std::string_view scheme = uri.substr(0, colon);
    const bool scheme_fits =
        !scheme.empty() && is_letter(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), [](char c) {
            return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
        });
    if(colon == std::string_view::npos || colon + 1 == uri.size() || !scheme_fits || !is_visible_ascii(uri) ||
       uri.find_first_of("\"<>\\^`{|}") != std::string_view::npos) {
        throw bad_name("an absolute URI", uri,
                       "write it as scheme:rest, for instance http://host/path, in ASCII");
    }
    return {Kind::uri, std::string(uri)};
}

GeneralName GeneralName::ip(std::string_view address) {
    const std::string text(address);
    std::array<char, ipv6_octets> octets{};
    if(inet_pton(AF_INET, text.c_str(), octets.data()) == 1 && text.find('\0') == std::string::npos) {
        return {Kind::ip, std::string(octets.data(), ipv4_octets)};
    }
    if(inet_pton(AF_INET6, text.c_str(), octets.data()) == 1 && text.find('\0') == std::string::npos) {
        return {Kind::ip, std::string(octets.data(), ipv6_octets)};
    }
    throw bad_name("an IP address", address, "write it as 192.0.2.1 or 2001:db8::1, without a prefix length");
}

GeneralName GeneralName::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    if(colon != std::string_view::npos) {
        std::string word(text.substr(0, colon));
        std::transform(word.begin(), word.end(), word.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        for(const KindName& kind : kinds) {
            if(kind.name == word) {
                return kind.make(text.substr(colon + 1));
            }
        }
    }
    throw bad_name("an alternative name", text, "write it as dns:HOST, ip:ADDRESS, email:ADDRESS or uri:URI");
}

std::string GeneralName::text() const {
    if(kind_ != Kind::ip) {
        return value_;
    }
    std::array<char, INET6_ADDRSTRLEN> out{};
    const int family = value_.size() == ipv4_octets ? AF_INET : AF_INET6;
    inet_ntop(family, value_.data(), out.data(), static_cast<socklen_t>(out.size()));
    return out.data();
}

std::string GeneralName::to_string() const {
    const auto* const kind =
        std::find_if(kinds.begin(), kinds.end(), [&](const KindName& entry) { return entry.kind == kind_; });
    return std::string(kind->name) + ":" + text();
}

GeneralNames without_duplicates(const GeneralNames& names) {
    GeneralNames out;
    std::set<std::pair<GeneralName::Kind, std::string_view>> seen;
    for(const GeneralName& name : names) {
        if(seen.emplace(name.kind(), name.value()).second) {
            out.push_back(name);
        }
    }
    return out;
}

std::vector<std::uint8_t> encode_general_names(const GeneralNames& names) {
    return der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        for(const GeneralName& name : names) {
            put_tagged(out, static_cast<std::uint32_t>(name.kind()), name.value());
        }
        out.end_cons();
    });
}

GeneralNames decode_general_names(std::span<const std::uint8_t> der) {
    constexpr std::array read{1U, 2U, 6U, 7U};
    try {
        GeneralNames names;
        Botan::BER_Decoder in(der, Botan::BER_Decoder::Limits::DER());
        Botan::BER_Decoder sequence = in.start_sequence();
        while(sequence.more_items()) {
            const Botan::BER_Object object = sequence.get_next_object();
            const auto tag = static_cast<std::uint32_t>(object.type());
            if(object.get_class() != Botan::ASN1_Class::ContextSpecific ||
               std::find(read.begin(), read.end(), tag) == read.end()) {
                throw Error{Errc::unsupported, "an alternative name is none of dns, ip, email and uri"};
            }
            names.push_back(from_tag(tag, object));
        }
        sequence.end_cons();
        in.verify_end();
        return names;
    } catch(const Error& error) {
        if(error.code() == Errc::unsupported) {
            throw;
        }
        std::throw_with_nested(
            Error{Errc::malformed_data, "an alternative name is malformed: " + error.message()});
    } catch(const Botan::Exception&) {
        std::throw_with_nested(Error{Errc::malformed_data, "a list of alternative names is malformed"});
    }
}

}  // namespace keyway::x509
