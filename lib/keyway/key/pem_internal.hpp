// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

/// One block of a PEM file.
struct PemBlock {
    std::string label;  ///< "PRIVATE KEY"
    /// Of "Proc-Type: 4,ENCRYPTED" and the like, which stand before the contents of the old encryption.
    std::map<std::string, std::string, std::less<>> headers;
    Botan::secure_vector<std::uint8_t> contents;
};

/// True when a line begins with "-----BEGIN ".
[[nodiscard]] bool is_pem(std::span<const std::uint8_t> bytes) noexcept;

/// All blocks of a PEM file; text around them is passed over.
/// @throws Errc::malformed_data when a block has no end, or is not in base64
/// @spec RFC 7468; RFC 1421 4.4 for headers
[[nodiscard]] std::vector<PemBlock> parse_pem(std::span<const std::uint8_t> bytes, std::string_view name);

}  // namespace keyway
