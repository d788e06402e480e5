// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/extension.hpp>

#include <charconv>
#include <utility>

namespace keyway::x509 {

namespace {

std::vector<std::uint8_t> tagged(GeneralName::Kind kind, std::string_view value) {
    return der_of([&](Botan::DER_Encoder& out) { put_tagged(out, static_cast<std::uint32_t>(kind), value); });
}

/// A host, or a dot and a host.
std::string_view checked_host(std::string_view text) {
    const std::string_view host = text.starts_with('.') ? text.substr(1) : text;
    if(host.starts_with('*')) {
        throw Error{Errc::invalid_argument,
                    in_quotes(text) + " has a wildcard, which name constraints do not know"};
    }
    static_cast<void>(GeneralName::dns(host));
    return text;
}

/// Octets with the first `bits` bits set.
std::string mask_of(std::size_t octets, std::size_t bits) {
    std::string mask(octets, '\0');
    for(std::size_t bit = 0; bit < bits; ++bit) {
        const auto set = static_cast<unsigned char>(mask[bit / 8]) | (0x80U >> (bit % 8));
        mask[bit / 8] = static_cast<char>(set);
    }
    return mask;
}

}  // namespace

NameSubtree::NameSubtree(std::vector<std::uint8_t> der) : der_(std::move(der)) {}

NameSubtree NameSubtree::dns(std::string_view host) {
    if(host.starts_with('.')) {
        throw Error{Errc::invalid_argument, in_quotes(host) + " begins with a dot",
                    "leave the dot out: a host stands for itself and all below it"};
    }
    return NameSubtree(tagged(GeneralName::Kind::dns, checked_host(host)));
}

NameSubtree NameSubtree::email(std::string_view address) {
    if(address.find('@') != std::string_view::npos) {
        return NameSubtree(tagged(GeneralName::Kind::email, GeneralName::email(address).value()));
    }
    return NameSubtree(tagged(GeneralName::Kind::email, checked_host(address)));
}

NameSubtree NameSubtree::uri_host(std::string_view host) {
    return NameSubtree(tagged(GeneralName::Kind::uri, checked_host(host)));
}

NameSubtree NameSubtree::ip(std::string_view range) {
    const std::size_t slash = range.find('/');
    const std::string address = GeneralName::ip(range.substr(0, slash)).value();
    const std::string_view digits = slash == std::string_view::npos ? "" : range.substr(slash + 1);
    std::size_t bits = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if(parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() || bits > address.size() * 8) {
        throw Error{Errc::invalid_argument, in_quotes(range) + " is not an address range",
                    "write it as 192.0.2.0/24 or 2001:db8::/32"};
    }
    const std::string mask = mask_of(address.size(), bits);
    for(std::size_t i = 0; i < address.size(); ++i) {
        if((static_cast<unsigned char>(address[i]) & ~static_cast<unsigned char>(mask[i]) & 0xFFU) != 0) {
            throw Error{Errc::invalid_argument, in_quotes(range) + " has bits set after its prefix"};
        }
    }
    return NameSubtree(tagged(GeneralName::Kind::ip, address + mask));
}

NameSubtree NameSubtree::directory(const DistinguishedName& name) {
    return NameSubtree(der_of([&](Botan::DER_Encoder& out) {
        out.start_explicit_context_specific(4).raw_bytes(name.der()).end_cons();
    }));
}

}  // namespace keyway::x509
