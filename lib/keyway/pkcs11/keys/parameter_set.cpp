// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/parameter_set_internal.hpp>

#include <array>
#include <string_view>

namespace keyway::pkcs11 {

namespace {

struct KnownSet {
    CK_KEY_TYPE type;
    CK_ULONG number;  // CKP_
    std::string_view kind;
    std::size_t signature_bytes;
};

constexpr std::array known_sets{
    KnownSet{CKK_ML_DSA, 1, "ml-dsa-44", 2420},
    KnownSet{CKK_ML_DSA, 2, "ml-dsa-65", 3309},
    KnownSet{CKK_ML_DSA, 3, "ml-dsa-87", 4627},
    KnownSet{CKK_SLH_DSA, 1, "slh-dsa-sha2-128s", 7856},
    KnownSet{CKK_SLH_DSA, 2, "slh-dsa-shake-128s", 7856},
    KnownSet{CKK_SLH_DSA, 3, "slh-dsa-sha2-128f", 17088},
    KnownSet{CKK_SLH_DSA, 4, "slh-dsa-shake-128f", 17088},
    KnownSet{CKK_SLH_DSA, 5, "slh-dsa-sha2-192s", 16224},
    KnownSet{CKK_SLH_DSA, 6, "slh-dsa-shake-192s", 16224},
    KnownSet{CKK_SLH_DSA, 7, "slh-dsa-sha2-192f", 35664},
    KnownSet{CKK_SLH_DSA, 8, "slh-dsa-shake-192f", 35664},
    KnownSet{CKK_SLH_DSA, 9, "slh-dsa-sha2-256s", 29792},
    KnownSet{CKK_SLH_DSA, 10, "slh-dsa-shake-256s", 29792},
    KnownSet{CKK_SLH_DSA, 11, "slh-dsa-sha2-256f", 49856},
    KnownSet{CKK_SLH_DSA, 12, "slh-dsa-shake-256f", 49856},
};

const KnownSet& set_of(const KeySpec& spec) {
    const auto kind = spec.to_string();
    for(const auto& known : known_sets) {
        if(known.kind == kind) {
            return known;
        }
    }
    throw Error(Errc::internal, "a key of type " + in_quotes(kind) + " has no parameter set");
}

}  // namespace

CK_ULONG parameter_set_of(const KeySpec& spec) {
    return set_of(spec).number;
}

std::optional<KeySpec> kind_of_parameter_set(CK_KEY_TYPE type, CK_ULONG parameter_set) {
    for(const auto& known : known_sets) {
        if(known.type == type && known.number == parameter_set) {
            return KeySpec::parse(known.kind);
        }
    }
    return std::nullopt;
}

std::size_t parameter_set_signature_bytes(const KeySpec& spec) {
    return set_of(spec).signature_bytes;
}

}  // namespace keyway::pkcs11
