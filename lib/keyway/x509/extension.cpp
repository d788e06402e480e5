// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>

#include <keyway/x509/extension.hpp>

#include <botan/hash.h>

#include <bit>

namespace keyway::x509 {

namespace {

constexpr std::uint32_t tag_uri = 6;

Extension make(const Botan::OID& oid, Criticality criticality, std::vector<std::uint8_t> value) {
    return {oid, criticality, std::move(value)};
}

void put_uri(Botan::DER_Encoder& out, std::string_view uri) {
    put_tagged(out, tag_uri, GeneralName::uri(uri).value());
}

/// DistributionPointName: [0] fullName. @spec RFC 5280 4.2.1.13
void put_full_name(Botan::DER_Encoder& out, const std::vector<std::string>& urls) {
    out.start_context_specific(0).start_context_specific(0);
    for(const std::string& url : urls) {
        put_uri(out, url);
    }
    out.end_cons().end_cons();
}

}  // namespace

std::vector<std::uint8_t> key_identifier(std::span<const std::uint8_t> public_key_bits) {
    const auto sha1 = Botan::HashFunction::create_or_throw("SHA-1");
    sha1->update(public_key_bits);
    return sha1->final_stdvec();
}

Extension basic_constraints_of_authority(std::optional<std::size_t> path_length) {
    return make({2, 5, 29, 19}, Criticality::critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence().encode(true);
                    if(path_length) {
                        out.encode(*path_length);
                    }
                    out.end_cons();
                }));
}

Extension basic_constraints_of_end_entity() {
    // cA is FALSE by default, and DER leaves defaults out
    return make({2, 5, 29, 19}, Criticality::critical,
                der_of([](Botan::DER_Encoder& out) { out.start_sequence().end_cons(); }));
}

Extension key_usage(Botan::Key_Constraints usage) {
    // The first bit of the BIT STRING is the highest of Botan's sixteen; DER leaves trailing zero bits out.
    const auto bits = static_cast<std::uint16_t>(usage.value());
    const auto first = static_cast<std::uint8_t>(bits >> 8U);
    const auto second = static_cast<std::uint8_t>(bits & 0xFFU);
    std::vector<std::uint8_t> content{static_cast<std::uint8_t>(std::countr_zero(bits) % 8)};
    content.push_back(first);
    if(second != 0) {
        content.push_back(second);
    }
    return make({2, 5, 29, 15}, Criticality::critical, der_of([&](Botan::DER_Encoder& out) {
                    out.add_object(Botan::ASN1_Type::BitString, Botan::ASN1_Class::Universal, content);
                }));
}

Extension extended_key_usage(const std::vector<Botan::OID>& purposes) {
    return make({2, 5, 29, 37}, Criticality::non_critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence().encode_list(purposes).end_cons();
                }));
}

Extension subject_key_identifier(const std::vector<std::uint8_t>& identifier) {
    return make({2, 5, 29, 14}, Criticality::non_critical, der_of([&](Botan::DER_Encoder& out) {
                    out.encode(identifier, Botan::ASN1_Type::OctetString);
                }));
}

Extension authority_key_identifier(std::span<const std::uint8_t> identifier) {
    return make({2, 5, 29, 35}, Criticality::non_critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence();
                    put_tagged(out, 0, identifier);
                    out.end_cons();
                }));
}

Extension subject_alternative_name(const GeneralNames& names, Criticality criticality) {
    return make({2, 5, 29, 17}, criticality, encode_general_names(names));
}

Extension name_constraints(const NameConstraints& constraints) {
    const auto put_subtrees = [](Botan::DER_Encoder& out, std::uint32_t tag,
                                 const std::vector<NameSubtree>& subtrees) {
        if(subtrees.empty()) {
            return;
        }
        out.start_context_specific(tag);
        for(const NameSubtree& subtree : subtrees) {
            // minimum is 0 by default and maximum is not used
            out.start_sequence().raw_bytes(subtree.der()).end_cons();
        }
        out.end_cons();
    };
    return make({2, 5, 29, 30}, Criticality::critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence();
                    put_subtrees(out, 0, constraints.permitted);
                    put_subtrees(out, 1, constraints.excluded);
                    out.end_cons();
                }));
}

Extension authority_information_access(const Urls& urls) {
    const auto put = [](Botan::DER_Encoder& out, const Botan::OID& method,
                        const std::vector<std::string>& locations) {
        for(const std::string& location : locations) {
            out.start_sequence().encode(method);
            put_uri(out, location);
            out.end_cons();
        }
    };
    return make({1, 3, 6, 1, 5, 5, 7, 1, 1}, Criticality::non_critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence();
                    put(out, {1, 3, 6, 1, 5, 5, 7, 48, 1}, urls.ocsp);
                    put(out, {1, 3, 6, 1, 5, 5, 7, 48, 2}, urls.ca_issuers);
                    out.end_cons();
                }));
}

Extension crl_distribution_points(const std::vector<std::string>& urls) {
    return make({2, 5, 29, 31}, Criticality::non_critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence().start_sequence();
                    put_full_name(out, urls);
                    out.end_cons().end_cons();
                }));
}

Extension issuing_distribution_point(const std::vector<std::string>& urls, CrlScope scope) {
    return make({2, 5, 29, 28}, Criticality::critical, der_of([&](Botan::DER_Encoder& out) {
                    out.start_sequence();
                    if(!urls.empty()) {
                        put_full_name(out, urls);
                    }
                    if(scope != CrlScope::all) {
                        const std::uint32_t tag = scope == CrlScope::end_entities ? 1 : 2;
                        out.encode(true, static_cast<Botan::ASN1_Type>(tag));
                    }
                    out.end_cons();
                }));
}

Extension ocsp_no_check() {
    return make({1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Criticality::non_critical,
                der_of([](Botan::DER_Encoder& out) { out.encode_null(); }));
}

Extension crl_number(std::uint64_t number) {
    return make({2, 5, 29, 20}, Criticality::non_critical,
                der_of([&](Botan::DER_Encoder& out) { put_unsigned(out, number); }));
}

Extension crl_reason(Botan::CRL_Code reason) {
    return make({2, 5, 29, 21}, Criticality::non_critical, der_of([&](Botan::DER_Encoder& out) {
                    out.add_object(Botan::ASN1_Type::Enumerated, Botan::ASN1_Class::Universal,
                                   static_cast<std::uint8_t>(reason));
                }));
}

}  // namespace keyway::x509
