// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Botan {
class RandomNumberGenerator;
class X509_Certificate;
}  // namespace Botan

namespace keyway::x509 {

/// A certificate's serial number: positive, below 2^159, so that its encoding takes at most 20 octets.
///
/// Ordered as a number.
/// @threadsafety a value: reading is safe from any thread
/// @spec RFC 5280 4.1.2.2
class KEYWAY_API SerialNumber {
public:
    /// 159 random bits.
    [[nodiscard]] static SerialNumber random(Botan::RandomNumberGenerator& rng);

    /// Reads hexadecimal digits in either case, either all together ("0aFF") or in pairs with colons between
    /// ("0A:FF"), after "0x" or without it. Leading zeros do not count.
    /// @throws Errc::invalid_argument when malformed, zero, or too long
    [[nodiscard]] static SerialNumber from_hex(std::string_view text);

    /// Takes a big-endian number; leading zero octets do not count.
    /// @throws Errc::invalid_argument when zero or too long
    [[nodiscard]] static SerialNumber from_bytes(std::span<const std::uint8_t> big_endian);

    /// @throws Errc::unsupported when the certificate's serial number is negative, zero, or too long
    [[nodiscard]] static SerialNumber of(const Botan::X509_Certificate& certificate);

    /// Upper-case hexadecimal digits, two for each octet, as `openssl x509 -serial` prints them.
    [[nodiscard]] std::string to_hex() const;

    /// Big-endian, without leading zero octets.
    [[nodiscard]] const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }

    bool operator==(const SerialNumber&) const = default;
    [[nodiscard]] std::strong_ordering operator<=>(const SerialNumber& other) const noexcept;

private:
    explicit SerialNumber(std::vector<std::uint8_t> bytes);

    std::vector<std::uint8_t> bytes_;
};

}  // namespace keyway::x509
