// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/backends/database/key_table_internal.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace keyway {

/// What the data key of a key is bound to: its name, and the key it is encrypted under.
[[nodiscard]] std::vector<std::uint8_t> data_key_purpose(const KeyHeader& key, const std::string& key_encryption_key_id);

/// The row of a key: encrypted under a new data key, which is encrypted under the key-encryption key.
/// @param private_key_info PKCS#8 in DER
[[nodiscard]] KeyRow sealed_row(const KeyHeader& header,
                                std::span<const std::uint8_t> private_key_info,
                                const KeyEncryptionKey& key_encryption_key);

/// The inverse; nothing when the row has been changed.
[[nodiscard]] std::optional<Botan::secure_vector<std::uint8_t>> unsealed_row(const KeyRow& row,
                                                                             const KeyEncryptionKey& key_encryption_key);

}  // namespace keyway
