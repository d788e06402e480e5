// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

/// One block of a PEM file.
struct PemBlock {
    std::string label;                       ///< "PRIVATE KEY"
    bool has_headers = false;  ///< "Proc-Type: ..." lines, as the old encryption has; then no contents
    Botan::secure_vector<std::uint8_t> contents;
};

/// True when a line begins with "-----BEGIN ".
[[nodiscard]] bool is_pem(std::span<const std::uint8_t> bytes) noexcept;

/// All blocks of a PEM file; text around them is passed over.
/// @throws Errc::malformed_data when a block has no end, or is not in base64
/// @spec RFC 7468
[[nodiscard]] std::vector<PemBlock> parse_pem(std::span<const std::uint8_t> bytes, std::string_view name);

}  // namespace keyway
