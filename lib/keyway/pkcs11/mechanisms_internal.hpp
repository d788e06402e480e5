// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/pkcs11/cryptoki_internal.hpp>

#include <botan/asn1_obj.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// How a key of one kind signs: the token's mechanism and what is done to the message before.
struct SigningMechanism {
    CK_MECHANISM_TYPE type = 0;

    /// The mechanism that hashes the message as well, for tokens that want to do that themselves; 0 when there is none.
    CK_MECHANISM_TYPE hashing_type = 0;

    /// Botan's name of the hash that is computed here; empty when the message goes to the token as it is.
    std::string hash;

    /// Set before the digest: the DER of DigestInfo up to it.
    /// @spec RFC 8017 9.2
    std::vector<std::uint8_t> digest_prefix;

    /// Used when `type` is CKM_RSA_PKCS_PSS, also with `hashing_type`.
    CK_RSA_PKCS_PSS_PARAMS pss{};

    /// Botan's name of the padding by which the same input is verified without hashing it again.
    std::string verify_padding;

    /// The X.509 signatureAlgorithm; empty for a padding that no certificate can name.
    Botan::AlgorithmIdentifier algorithm;

    /// What PK_Ops::Signature::hash_function answers.
    std::string hash_function;
};

/// @param padding as Botan's PK_Signer takes it: "PKCS1v15(SHA-256)", "PSS(SHA-256,MGF1,32)" for RSA; "SHA-256" for ECDSA;
///        "Pure" or empty for EdDSA; empty for ML-DSA and SLH-DSA
/// @throws Errc::unsupported when the key cannot sign so
[[nodiscard]] SigningMechanism signing_mechanism(const KeySpec& key, std::string_view padding);

/// How an RSA key's ciphertext was padded.
struct DecryptionPadding {
    bool is_oaep = false;  ///< else PKCS#1 v1.5

    // Of OAEP.
    std::string hash;      ///< Botan's name of the label's hash
    std::string mgf_hash;  ///< Botan's name of the hash of MGF1
    std::string label;
    CK_MECHANISM_TYPE hash_mechanism = 0;
    CK_RSA_PKCS_MGF_TYPE mgf = 0;
};

/// @param padding as Botan's PK_Decryptor_EME takes it: "PKCS1v15", "OAEP(SHA-256)", "OAEP(SHA-256,MGF1(SHA-1),label)"
/// @throws Errc::unsupported when the key cannot decrypt so
[[nodiscard]] DecryptionPadding decryption_padding(const KeySpec& key, std::string_view padding);

}  // namespace keyway::pkcs11
