// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "module.hpp"

namespace probe::openssl {

enum class Scheme { rsa_pkcs1, rsa_pss, ecdsa, eddsa, ml_dsa };

/// What the measurements sign, and its SHA-256.
[[nodiscard]] Bytes message();
[[nodiscard]] Bytes message_digest();

/// Whether OpenSSL accepts the signature over message() (by SHA-256, where the scheme has a hash).
///
/// @param public_key a SubjectPublicKeyInfo in DER
/// @param signature as PKCS#11 has it: that of ECDSA is r and s side by side
[[nodiscard]] bool verifies(const std::filesystem::path& folder, Scheme scheme, const Bytes& public_key,
                            const Bytes& signature);

/// What OpenSSL encrypts for the public key, by PKCS#1 v1.5 or by OAEP with that hash for both.
[[nodiscard]] Bytes encrypt(const std::filesystem::path& folder, const Bytes& public_key, const Bytes& data,
                            const std::string& padding);

/// Whether this OpenSSL has an algorithm, by its name in `openssl list`.
[[nodiscard]] bool has_signature_algorithm(const std::string& name);

// --- DER ---------------------------------------------------------------------------------------------------------

[[nodiscard]] Bytes der(CK_BYTE tag, const Bytes& content);
[[nodiscard]] Bytes concatenated(std::initializer_list<Bytes> parts);
/// A non-negative INTEGER.
[[nodiscard]] Bytes der_integer(Bytes magnitude);
/// A SubjectPublicKeyInfo.
[[nodiscard]] Bytes der_public_key(const Bytes& algorithm, const Bytes& key);

} // namespace probe::openssl
