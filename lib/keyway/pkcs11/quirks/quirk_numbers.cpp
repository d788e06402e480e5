// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/quirks/names_internal.hpp>
#include <keyway/pkcs11/quirks/quirk_numbers_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/der_enc.h>

namespace keyway::pkcs11 {

namespace {

CK_ULONG number_of(NameFamily family, const std::string& name) {
    // Profiles that are read have known names; one that a program put together may not.
    const auto value = constant_value(family, name);
    if(!value) {
        throw Error(Errc::invalid_argument, "there is no " + in_quotes(name) + " in PKCS#11 3.2",
                    "write what a vendor has of its own as a number: \"0x80000001\"");
    }
    return *value;
}

std::set<CK_ULONG> numbers_of(NameFamily family, const std::vector<std::string>& names) {
    std::set<CK_ULONG> numbers;
    for(const auto& name : names) {
        numbers.insert(number_of(family, name));
    }
    return numbers;
}

}  // namespace

QuirkNumbers::QuirkNumbers(const QuirkProfile& profile)
    : avoided_(numbers_of(NameFamily::mechanisms, profile.avoid_mechanisms)),
      exact_(numbers_of(NameFamily::mechanisms, profile.exact_signature_buffer)),
      passing_(numbers_of(NameFamily::return_values, profile.passing_errors)) {
    for(const auto& [mechanism, bytes] : profile.data_limits) {
        if(mechanism == "*") {
            other_limit_ = bytes;
        } else {
            limits_.emplace(number_of(NameFamily::mechanisms, mechanism), bytes);
        }
    }
    const auto& refused = profile.refused_attributes;
    refused_ = {numbers_of(NameFamily::attributes, refused.generate_public),
                numbers_of(NameFamily::attributes, refused.generate_private),
                numbers_of(NameFamily::attributes, refused.import_public),
                numbers_of(NameFamily::attributes, refused.import_private)};
    if(profile.ed25519_parameters) {
        Botan::DER_Encoder(ed25519_parameters_.emplace()).encode(Botan::OID(*profile.ed25519_parameters));
    }
}

std::optional<std::size_t> QuirkNumbers::data_limit(CK_MECHANISM_TYPE mechanism) const {
    const auto found = limits_.find(mechanism);
    return found == limits_.end() ? other_limit_ : std::optional(found->second);
}

}  // namespace keyway::pkcs11
