// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/keys/token_kinds_internal.hpp>
#include <keyway/pkcs11/recovery.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/ec_group.h>

#include <algorithm>
#include <optional>
#include <set>

namespace keyway::pkcs11 {

namespace {

/// A maximum below this is no number of bits: some modules count bytes, or say nothing.
constexpr CK_ULONG least_credible_rsa = 1024;
constexpr CK_ULONG least_credible_curve = 160;

/// Mechanisms of which one shows that a token holds keys of the type, though it may not make them.
std::set<CK_MECHANISM_TYPE> using_mechanisms(KeyType type) {
    switch(type) {
        case KeyType::rsa:
            return {CKM_RSA_PKCS,        CKM_RSA_PKCS_PSS,        CKM_SHA256_RSA_PKCS,     CKM_SHA384_RSA_PKCS,
                    CKM_SHA512_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS};
        case KeyType::ec:
            return {CKM_ECDSA, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512};
        case KeyType::ed25519:
        case KeyType::ed448:
            return {CKM_EDDSA};
        case KeyType::ml_dsa:
            return {CKM_ML_DSA};
        case KeyType::slh_dsa:
            return {CKM_SLH_DSA};
        case KeyType::x25519:
        case KeyType::x448:
        case KeyType::dsa:
            return {};  // CKM_ECDH1_DERIVE is of other curves too
    }
    return {};
}

/// By any kind of the type.
bool makes_type(KeyType type, const std::set<CK_MECHANISM_TYPE>& listed) {
    auto kinds = std::vector{KeySpec::rsa(2048)};
    for(const auto& name : KeySpec::known_names()) {
        if(name != "rsa-BITS") {
            kinds.push_back(KeySpec::parse(name));
        }
    }
    return std::ranges::any_of(kinds, [&](const KeySpec& kind) {
        return kind.type() == type && listed.contains(generation_mechanism(kind));
    });
}

/// Nothing where the token has no such list.
std::optional<std::set<CK_MECHANISM_TYPE>> listed_mechanisms(FunctionList& calls, CK_SLOT_ID slot) {
    constexpr CK_ULONG most = 65536;  // more is no number of mechanisms
    CK_ULONG count = 0;
    auto result = calls.C_GetMechanismList(slot, nullptr, &count);
    if(result == CKR_OK && count > most) {
        result = CKR_GENERAL_ERROR;
    }
    std::vector<CK_MECHANISM_TYPE> types(result == CKR_OK ? count : 0);
    if(result == CKR_OK && count > 0) {
        result = calls.C_GetMechanismList(slot, types.data(), &count);
    }
    if(result == CKR_FUNCTION_NOT_SUPPORTED) {
        return std::nullopt;
    }
    if(result != CKR_OK) {
        throw call_failed(result, "list the token's mechanisms");
    }
    types.resize(std::min<std::size_t>(types.size(), count));
    return std::set<CK_MECHANISM_TYPE>(types.begin(), types.end());
}

struct Sizes {
    std::size_t smallest;
    std::size_t largest;
};

/// In bits; nothing when the token does not tell, or nothing that could be so.
std::optional<Sizes> sizes_of(FunctionList& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_ULONG least_credible) {
    CK_MECHANISM_INFO info{};
    const auto result = calls.C_GetMechanismInfo(slot, mechanism, &info);
    if(result != CKR_OK && remedy_for(result) != Remedy::fatal) {
        throw call_failed(result, "ask for the sizes of the token's keys");
    }
    if(result != CKR_OK || info.ulMaxKeySize < least_credible || info.ulMinKeySize > info.ulMaxKeySize) {
        return std::nullopt;
    }
    return Sizes{info.ulMinKeySize, info.ulMaxKeySize};
}

void limit_rsa(BackendCapabilities& kinds, const std::optional<Sizes>& sizes) {
    if(sizes) {
        kinds.smallest_rsa_bits = std::max(kinds.smallest_rsa_bits, sizes->smallest);
        kinds.largest_rsa_bits = std::min(kinds.largest_rsa_bits, sizes->largest);
    }
    if(kinds.smallest_rsa_bits > kinds.largest_rsa_bits) {
        std::erase(kinds.key_types, KeyType::rsa);
    }
}

void limit_curves(BackendCapabilities& kinds, const std::optional<Sizes>& sizes, const QuirkProfile& quirks) {
    std::erase_if(kinds.curves, [&](const std::string& curve) {
        const auto bits = Botan::EC_Group::from_name(curve).get_p_bits();
        return !quirks.makes_curve(curve) || (sizes && (bits < sizes->smallest || bits > sizes->largest));
    });
    if(kinds.curves.empty()) {
        std::erase(kinds.key_types, KeyType::ec);
    }
    std::erase_if(kinds.key_types, [&](KeyType type) {
        return (type == KeyType::ed25519 && !quirks.makes_curve("Ed25519")) ||
               (type == KeyType::ed448 && !quirks.makes_curve("Ed448")) ||
               (type == KeyType::x25519 && !quirks.makes_curve("X25519")) ||
               (type == KeyType::x448 && !quirks.makes_curve("X448"));
    });
}

template <typename Value>
void add_missing(std::vector<Value>& into, const std::vector<Value>& from) {
    for(const auto& value : from) {
        if(std::ranges::find(into, value) == into.end()) {
            into.push_back(value);
        }
    }
}

}  // namespace

BackendCapabilities TokenKinds::either() const {
    auto all = made;
    const auto has_rsa = [](const BackendCapabilities& kinds) {
        return std::ranges::find(kinds.key_types, KeyType::rsa) != kinds.key_types.end();
    };
    if(has_rsa(imported)) {
        all.smallest_rsa_bits = has_rsa(made) ? std::min(made.smallest_rsa_bits, imported.smallest_rsa_bits)
                                              : imported.smallest_rsa_bits;
        all.largest_rsa_bits = has_rsa(made) ? std::max(made.largest_rsa_bits, imported.largest_rsa_bits)
                                             : imported.largest_rsa_bits;
    }
    add_missing(all.key_types, imported.key_types);
    add_missing(all.curves, imported.curves);
    return all;
}

TokenKinds ask_kinds(FunctionList& calls, CK_SLOT_ID slot, const QuirkProfile& quirks) {
    TokenKinds kinds{BackendCapabilities::everything(), BackendCapabilities::everything()};
    if(const auto listed = listed_mechanisms(calls, slot)) {
        const auto makes = [&](KeyType type) { return makes_type(type, *listed); };
        const auto uses = [&](KeyType type) {
            return std::ranges::any_of(using_mechanisms(type), [&](auto mechanism) { return listed->contains(mechanism); });
        };
        std::erase_if(kinds.made.key_types, [&](KeyType type) { return !makes(type); });
        std::erase_if(kinds.imported.key_types, [&](KeyType type) { return !makes(type) && !uses(type); });
        if(makes(KeyType::rsa)) {
            const auto sizes = sizes_of(calls, slot, CKM_RSA_PKCS_KEY_PAIR_GEN, least_credible_rsa);
            limit_rsa(kinds.made, sizes);
            limit_rsa(kinds.imported, sizes);
        }
        std::optional<Sizes> of_curves;
        if(makes(KeyType::ec)) {
            of_curves = sizes_of(calls, slot, CKM_EC_KEY_PAIR_GEN, least_credible_curve);
        }
        limit_curves(kinds.made, of_curves, quirks);
        limit_curves(kinds.imported, of_curves, quirks);
    } else {
        limit_curves(kinds.made, std::nullopt, quirks);
        limit_curves(kinds.imported, std::nullopt, quirks);
    }
    if(quirks.no_key_import || quirks.lacks_function("C_CreateObject")) {
        kinds.imported.key_types.clear();
        kinds.imported.curves.clear();
    }
    if(quirks.lacks_function("C_GenerateKeyPair")) {
        kinds.made.key_types.clear();
        kinds.made.curves.clear();
    }
    return kinds;
}

}  // namespace keyway::pkcs11
