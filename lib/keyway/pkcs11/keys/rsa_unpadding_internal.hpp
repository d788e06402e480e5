// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace keyway::pkcs11 {

/// What was inside of a padded block, and whether it was one.
struct Unpadded {
    Botan::secure_vector<std::uint8_t> message;  ///< empty when the padding is wrong
    std::uint8_t valid = 0;                      ///< 0xff, or 0 when the padding is wrong
};

/// Takes the padding of PKCS#1 v1.5 off a block as long as the modulus.
///
/// Takes the same time for each block of a length and each kind of mistake; only the length of the message shows, as it has to.
/// @spec RFC 8017 7.2.2 step 3
[[nodiscard]] Unpadded unpad_pkcs1v15(std::span<const std::uint8_t> block);

/// Takes the padding of OAEP off a block as long as the modulus, as unpad_pkcs1v15 does.
///
/// @param hash Botan's name of the hash of the label
/// @param mgf_hash Botan's name of the hash of the mask generation function, MGF1
/// @spec RFC 8017 7.1.2 step 3
[[nodiscard]] Unpadded unpad_oaep(std::span<const std::uint8_t> block,
                                  std::string_view hash,
                                  std::string_view mgf_hash,
                                  std::span<const std::uint8_t> label);

}  // namespace keyway::pkcs11
