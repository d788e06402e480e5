// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/core/secret.hpp>

#include <botan/secmem.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace keyway {

// Botan has this too, but copies the passphrase into memory that is not wiped, reports a wrong passphrase and a damaged
// file alike, sets no limit to the work a file may ask for, and lets the work to open what it writes be set by time
// only.

/// Encrypts a PKCS#8 PrivateKeyInfo: PBES2 with scrypt (N = 16384, r = 8) and AES-256-CBC.
///
/// N is the largest that OpenSSL opens with its default memory limit of 32 MiB; more work comes from the
/// parallelization parameter.
/// @return an EncryptedPrivateKeyInfo in DER
/// @spec RFC 5958 3, RFC 8018 6.2, RFC 7914 7
[[nodiscard]] std::vector<std::uint8_t> encrypt_pkcs8(std::span<const std::uint8_t> private_key_info,
                                                      const Secret& passphrase,
                                                      std::size_t scrypt_parallelization);

/// Decrypts an EncryptedPrivateKeyInfo: PBES2 with PBKDF2 or scrypt, and a block cipher in CBC mode.
///
/// @param name the file's name, for messages
/// @return what came out with valid padding; a wrong passphrase gets through here once in about 256 times
/// @throws Errc::passphrase_incorrect when the padding is not valid
/// @throws Errc::malformed_data when it is no EncryptedPrivateKeyInfo
/// @throws Errc::unsupported when the encryption is another, or asks for too much work or memory
[[nodiscard]] Botan::secure_vector<std::uint8_t> decrypt_pkcs8(
    std::span<const std::uint8_t> encrypted_private_key_info,
    const Secret& passphrase,
    std::string_view name);

/// passphrase_incorrect, saying that the file may be damaged instead.
[[nodiscard]] Error wrong_passphrase(std::string_view name);

}  // namespace keyway
