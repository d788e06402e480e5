// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace Botan {
class Public_Key;
}

namespace keyway {

/// The SHA-256 of a key's SubjectPublicKeyInfo in DER: what makes a key the key that is meant.
/// @spec RFC 5280 4.1.2.7
/// @threadsafety immutable
class KEYWAY_API SpkiFingerprint {
public:
    [[nodiscard]] static SpkiFingerprint of(const Botan::Public_Key& key);

    /// @param hex 64 hexadecimal digits
    /// @throws Errc::invalid_argument when it is anything else
    [[nodiscard]] static SpkiFingerprint parse(std::string_view hex);

    /// 64 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] const std::array<std::uint8_t, 32>& bytes() const noexcept { return bytes_; }

    friend auto operator<=>(const SpkiFingerprint&, const SpkiFingerprint&) = default;

private:
    SpkiFingerprint() = default;

    std::array<std::uint8_t, 32> bytes_{};
};

}  // namespace keyway
