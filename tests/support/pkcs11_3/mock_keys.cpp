// SPDX-License-Identifier: BSD-2-Clause
#include "mock_objects.hpp"

#include <keyway/key/key_spec.hpp>
#include <keyway/pkcs11/keys/parameter_set_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/der_enc.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/ml_dsa.h>
#include <botan/slh_dsa.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x448.h>

namespace pkcs11_mock {

namespace {

Bytes curve(const char* name) {
    Bytes der;
    Botan::DER_Encoder(der).encode(Botan::OID::from_string(name));
    return der;
}

/// CK_EDDSA_PARAMS, which the older of the supported headers lack.
struct EddsaParameters {
    CK_BBOOL is_prehashed;
    CK_ULONG context_bytes;
    CK_BYTE_PTR context;
};

}  // namespace

bool signs_so(const CK_MECHANISM& mechanism, const Object& object) {
    switch(object.number(CKA_KEY_TYPE)) {
        case CKK_ML_DSA:
            return mechanism.mechanism == CKM_ML_DSA && mechanism.pParameter == nullptr;
        case CKK_SLH_DSA:
            return mechanism.mechanism == CKM_SLH_DSA && mechanism.pParameter == nullptr;
        case CKK_EC_EDWARDS:
            if(mechanism.mechanism == CKM_EDDSA && object.key->algo_name() == "Ed448") {
                const auto* const parameters = static_cast<const EddsaParameters*>(mechanism.pParameter);
                return parameters != nullptr && mechanism.ulParameterLen == sizeof(EddsaParameters) &&
                       parameters->is_prehashed == CK_FALSE && parameters->context_bytes == 0;
            }
            return mechanism.mechanism == CKM_EDDSA && mechanism.pParameter == nullptr;
        default:
            return false;
    }
}

CK_RV read_key(Object& object) {
    const auto bytes = [&](CK_ATTRIBUTE_TYPE type) {
        const auto found = object.values.find(type);
        return found == object.values.end() ? Bytes{} : found->second;
    };
    const auto type = object.number(CKA_KEY_TYPE);
    const auto kind = keyway::pkcs11::kind_of_parameter_set(type, object.number(CKA_PARAMETER_SET));
    const Botan::secure_vector<std::uint8_t> value(object.values[CKA_VALUE].begin(), object.values[CKA_VALUE].end());
    if(type == CKK_EC_MONTGOMERY && bytes(CKA_EC_PARAMS) == curve("X25519")) {
        object.key = std::make_shared<Botan::X25519_PrivateKey>(value);
    } else if(type == CKK_EC_MONTGOMERY && bytes(CKA_EC_PARAMS) == curve("X448")) {
        object.key = std::make_shared<Botan::X448_PrivateKey>(value);
    } else if(type == CKK_EC_EDWARDS && bytes(CKA_EC_PARAMS) == curve("Ed25519")) {
        object.key = std::make_shared<Botan::Ed25519_PrivateKey>(Botan::Ed25519_PrivateKey::from_seed(value));
    } else if(type == CKK_EC_EDWARDS && bytes(CKA_EC_PARAMS) == curve("Ed448")) {
        object.key = std::make_shared<Botan::Ed448_PrivateKey>(value);
    } else if(type == CKK_ML_DSA && kind) {
        // Botan has no keys without their seed.
        object.key = std::make_shared<Botan::ML_DSA_PrivateKey>(bytes(CKA_SEED), Botan::ML_DSA_Mode(kind->parameter_set()));
    } else if(type == CKK_SLH_DSA && kind) {
        object.key =
            std::make_shared<Botan::SLH_DSA_PrivateKey>(value, Botan::SLH_DSA_Parameters::create(kind->parameter_set()));
    } else {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_OK;
}

CK_RV make_pair(CK_MECHANISM_TYPE mechanism, Object& public_object, Object& private_object) {
    auto& rng = Botan::system_rng();
    const auto& parameters = public_object.values[CKA_EC_PARAMS];
    CK_KEY_TYPE type = 0;
    if(mechanism == CKM_EC_MONTGOMERY_KEY_PAIR_GEN || mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN) {
        type = mechanism == CKM_EC_MONTGOMERY_KEY_PAIR_GEN ? CKK_EC_MONTGOMERY : CKK_EC_EDWARDS;
        if(type == CKK_EC_MONTGOMERY && parameters == curve("X25519")) {
            private_object.key = std::make_shared<Botan::X25519_PrivateKey>(rng);
        } else if(type == CKK_EC_MONTGOMERY && parameters == curve("X448")) {
            private_object.key = std::make_shared<Botan::X448_PrivateKey>(rng);
        } else if(type == CKK_EC_EDWARDS && parameters == curve("Ed25519")) {
            private_object.key = std::make_shared<Botan::Ed25519_PrivateKey>(rng);
        } else if(type == CKK_EC_EDWARDS && parameters == curve("Ed448")) {
            private_object.key = std::make_shared<Botan::Ed448_PrivateKey>(rng);
        } else {
            return CKR_CURVE_NOT_SUPPORTED;
        }
        private_object.values[CKA_EC_PARAMS] = parameters;
        auto& point = public_object.values[CKA_EC_POINT];
        Botan::DER_Encoder(point).encode(private_object.key->raw_public_key_bits(), Botan::ASN1_Type::OctetString);
    } else {
        public_object.values.erase(CKA_EC_PARAMS);
        type = mechanism == CKM_ML_DSA_KEY_PAIR_GEN ? CKK_ML_DSA : CKK_SLH_DSA;
        const auto kind = keyway::pkcs11::kind_of_parameter_set(type, public_object.number(CKA_PARAMETER_SET));
        if(!kind) {
            return CKR_PARAMETER_SET_NOT_SUPPORTED;
        }
        if(type == CKK_ML_DSA) {
            private_object.key = std::make_shared<Botan::ML_DSA_PrivateKey>(rng, Botan::ML_DSA_Mode(kind->parameter_set()));
        } else {
            private_object.key =
                std::make_shared<Botan::SLH_DSA_PrivateKey>(rng, Botan::SLH_DSA_Parameters::create(kind->parameter_set()));
        }
        public_object.values[CKA_VALUE] = private_object.key->raw_public_key_bits();
        private_object.set_number(CKA_PARAMETER_SET, public_object.number(CKA_PARAMETER_SET));
        private_object.values[CKA_VALUE];  // there, and not to be seen
    }
    public_object.set_number(CKA_CLASS, CKO_PUBLIC_KEY);
    private_object.set_number(CKA_CLASS, CKO_PRIVATE_KEY);
    public_object.set_number(CKA_KEY_TYPE, type);
    private_object.set_number(CKA_KEY_TYPE, type);
    return CKR_OK;
}

}  // namespace pkcs11_mock
