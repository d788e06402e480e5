// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace keyway::bench {

/// One way of signing that is measured: a key in the token and how it signs.
struct Kind {
    std::string_view name;     ///< on the command line and in the results
    std::string_view label;    ///< of the key in the token
    std::string_view padding;  ///< Botan's name
    std::string_view hash;     ///< Botan's name; empty when the token is given the message itself
    unsigned long mechanism;   ///< CKM_...
};

/// @throws std::runtime_error when there is no such kind
[[nodiscard]] const Kind& kind_of(std::string_view name);

/// What every way signs: shorter than a block of any hash, so that hashing is not what is measured.
inline constexpr std::array<std::uint8_t, 32> message{'k', 'e', 'y', 'w', 'a', 'y'};

/// What C_Sign is given for the message: the message, its digest, or the DigestInfo of it.
[[nodiscard]] std::vector<std::uint8_t> input_of_token(const Kind& kind);

/// The part of it before the digest.
[[nodiscard]] std::vector<std::uint8_t> before_digest(const Kind& kind);

/// Room for the longest of all signatures.
inline constexpr std::size_t most_signature_bytes = 512;

}  // namespace keyway::bench
