// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace keyway {

/// Decrypts the body of a PEM block with the headers `Proc-Type: 4,ENCRYPTED` and `DEK-Info`, as OpenSSL writes RSA and EC
/// keys with `-traditional`, and wrote them up to version 0.9.8: AES or three-key DES in CBC mode, under a key that one round
/// of MD5 makes of the passphrase. Guessing a passphrase costs next to nothing, so that this is read and never written.
///
/// @param dek_info the value of the header: "AES-256-CBC,HEX"
/// @param name the file's name, for messages
/// @return what came out with valid padding; a wrong passphrase gets through here once in about 256 times
/// @throws Errc::passphrase_incorrect when the padding is not valid
/// @throws Errc::malformed_data when the header or the length is not one that can be
/// @throws Errc::unsupported when the cipher is another
/// @spec RFC 1421 4.6.1.1 and 4.6.1.3 for the headers; OpenSSL's EVP_BytesToKey for the key
[[nodiscard]] Botan::secure_vector<std::uint8_t> decrypt_traditional_pem(std::span<const std::uint8_t> body,
                                                                         std::string_view dek_info,
                                                                         const Secret& passphrase,
                                                                         std::string_view name);

}  // namespace keyway
