// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace softhsm_fixtures::internal {

/// The SHA-256 of some bytes; here, so that the library needs no crypto library.
///
/// @spec FIPS 180-4
[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view bytes);

/// The same as 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

} // namespace softhsm_fixtures::internal
