// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace keyway::x509 {

/// The objects in a PEM text, or the one that is DER. `what` names the kind in errors: "a certificate".
/// @throws Errc::malformed_data when there is none, or one under another label
[[nodiscard]] std::vector<std::vector<std::uint8_t>> read_all(std::span<const std::uint8_t> pem_or_der,
                                                              std::span<const std::string_view> labels,
                                                              std::string_view what);

/// The same, for exactly one.
[[nodiscard]] std::vector<std::uint8_t> read_one(std::span<const std::uint8_t> pem_or_der,
                                                 std::span<const std::string_view> labels,
                                                 std::string_view what);

}  // namespace keyway::x509
