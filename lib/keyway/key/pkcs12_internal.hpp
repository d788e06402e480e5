// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace keyway {

/// True for what begins as a PKCS#12 file does: a version of 3 and a ContentInfo.
[[nodiscard]] bool is_pkcs12(std::span<const std::uint8_t> der) noexcept;

/// The one private key of a PKCS#12 file, as it stands in it: an EncryptedPrivateKeyInfo or a PrivateKeyInfo.
///
/// The MAC over the whole file is not looked at: it vouches for certificates and names, of which none are taken. A key that
/// was encrypted with the passphrase can only come from somebody who knows it, as in a file of PKCS#8.
/// @param name the file's name, for messages
/// @throws Errc::malformed_data when it is damaged, or holds no private key or several
/// @throws Errc::unsupported when it is encrypted to a certificate, or the key stands in an encrypted part
/// @spec RFC 7292
[[nodiscard]] Botan::secure_vector<std::uint8_t> private_key_of_pkcs12(std::span<const std::uint8_t> der,
                                                                       std::string_view name);

}  // namespace keyway
