// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "module.hpp"
#include "openssl.hpp"

#include <string_view>

namespace probe {

// What headers of PKCS#11 2.40 lack.
constexpr CK_KEY_TYPE ckk_ec_edwards = 0x40;
constexpr CK_KEY_TYPE ckk_ec_montgomery = 0x41;
constexpr CK_KEY_TYPE ckk_ml_kem = 0x49;
constexpr CK_KEY_TYPE ckk_ml_dsa = 0x4a;
constexpr CK_MECHANISM_TYPE ckm_ml_kem_key_pair_gen = 0xf;
constexpr CK_MECHANISM_TYPE ckm_ml_dsa_key_pair_gen = 0x1c;
constexpr CK_MECHANISM_TYPE ckm_ml_dsa = 0x1d;
constexpr CK_MECHANISM_TYPE ckm_ec_edwards_key_pair_gen = 0x1055;
constexpr CK_MECHANISM_TYPE ckm_ec_montgomery_key_pair_gen = 0x1056;
constexpr CK_MECHANISM_TYPE ckm_eddsa = 0x1057;
constexpr CK_MECHANISM_TYPE ckm_aes_key_wrap_kwp = 0x210b;
constexpr CK_ATTRIBUTE_TYPE cka_parameter_set = 0x61d;
constexpr CK_ATTRIBUTE_TYPE cka_encapsulate = 0x633;
constexpr CK_ATTRIBUTE_TYPE cka_decapsulate = 0x634;

/// A kind of key pair, and the plainest way to use it.
struct KeyKind {
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE generator;
    CK_MECHANISM_TYPE signer;
    openssl::Scheme scheme;
    Bytes algorithm; ///< AlgorithmIdentifier of the SubjectPublicKeyInfo
    /// CKA_EC_PARAMS of a curve, one of them for each way to write it that modules want.
    std::vector<Bytes> curve = {};
    CK_ULONG size_or_set = 0; ///< CKA_MODULUS_BITS, or CKA_PARAMETER_SET
};

/// @param name RSA, RSA-4096, ML-DSA, ML-KEM or a curve of known_curve_key()
[[nodiscard]] const KeyKind& key_kind(std::string_view name);

/// For measurements that need some key pair: quick to make, and every module can.
constexpr std::string_view usual_kind = "P-256";

struct KeyPair {
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = 0;
};

struct KeyOptions {
    bool in_token = true;
    bool extractable = false; ///< and not sensitive
    bool always_authenticate = false;
    CK_ATTRIBUTE_TYPE use = CKA_SIGN; ///< of the private key; the public key gets what goes with it
    std::string_view label = "measured";
};

[[nodiscard]] KeyPair generate_pair(Session& session, std::string_view kind, const KeyOptions& options = {});

/// Stores the private key of known_rsa_key() or known_curve_key().
///
/// @param with_point adds CKA_EC_POINT to the key of a curve, which the standard does not ask for
[[nodiscard]] CK_OBJECT_HANDLE import_private(Session& session, std::string_view kind,
                                              const KeyOptions& options = {}, bool with_point = false);

[[nodiscard]] CK_OBJECT_HANDLE import_rsa_public(Session& session, CK_ATTRIBUTE_TYPE use);

/// The CKA_EC_POINT without the OCTET STRING that may be around it.
[[nodiscard]] Bytes raw_point(const Bytes& attribute);

/// The SubjectPublicKeyInfo of a public key in the token, or of the known key of that kind.
[[nodiscard]] Bytes public_key_info(Session& session, std::string_view kind, CK_OBJECT_HANDLE public_key);
[[nodiscard]] Bytes known_public_key_info(std::string_view kind);

/// What CKM_EDDSA takes, and has to be given for Ed448.
struct EddsaParameters {
    CK_BBOOL is_prehash;
    CK_ULONG context_size;
    CK_BYTE* context;
};

/// Signs openssl::message() by the plainest mechanism of the kind. The buffer of an EdDSA signature fits exactly.
[[nodiscard]] Bytes sign_plainly(Session& session, std::string_view kind, CK_OBJECT_HANDLE private_key);

/// @throws Refused when the signature is not one that OpenSSL accepts
void require_accepted(Session& session, openssl::Scheme scheme, const Bytes& public_key_info,
                      const Bytes& signature);

/// As sign_plainly() and require_accepted().
void require_signs(Session& session, std::string_view kind, CK_OBJECT_HANDLE private_key,
                   const Bytes& public_key_info);

/// The SHA-256 of openssl::message() as CKM_RSA_PKCS wants it.
[[nodiscard]] Bytes digest_info();

/// A secret key by CKM_AES_KEY_GEN, 128 bits, or imported where a value is given.
[[nodiscard]] CK_OBJECT_HANDLE make_aes_key(Session& session, std::vector<CK_ATTRIBUTE_TYPE> uses,
                                            const Bytes& value = {}, bool extractable = false);

} // namespace probe
