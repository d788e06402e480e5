// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

inline constexpr std::size_t envelope_key_size = 32;

/// What a ciphertext is for, so that it cannot be put in another one's place: each field with its length before it.
///
/// @param purpose the kind of thing that is encrypted
/// @param names which one of its kind
[[nodiscard]] std::vector<std::uint8_t> associated_data(std::string_view purpose,
                                                        std::initializer_list<std::string_view> names);

/// Encrypts with AES-256-GCM under a random nonce.
/// @return nonce, ciphertext and tag, as base64
/// @spec NIST SP 800-38D
[[nodiscard]] std::string seal(std::span<const std::uint8_t> key,
                               std::span<const std::uint8_t> plaintext,
                               std::span<const std::uint8_t> associated);

/// The inverse of seal; nothing when the key or the associated data is another, or the text has been changed.
[[nodiscard]] std::optional<Botan::secure_vector<std::uint8_t>> unseal(
    std::span<const std::uint8_t> key,
    std::string_view sealed,
    std::span<const std::uint8_t> associated);

}  // namespace keyway
