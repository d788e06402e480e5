// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/backends/database/key_table_internal.hpp>
#include <keyway/database/connection_internal.hpp>
#include <keyway/key/key_rewrapper.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keyway {

/// A key-encryption key that is being replaced, and the one in its place.
struct Rotation {
    KeyEncryptionKey old_key;
    KeyEncryptionKey new_key;
};

/// Opens the key-encryption key that is being replaced with the one in its place.
/// @param where the database, for messages
/// @throws Errc::malformed_data when the record has been changed
[[nodiscard]] KeyEncryptionKey unlock_replaced(const KeyEncryptionKeyRecord& record,
                                               const KeyEncryptionKey& active,
                                               const std::string& where);

/// Makes the new key the active one; the old one is kept, sealed under the new.
/// @return false, and nothing changed, when the old one is not the active one any more
[[nodiscard]] bool begin_rotation(database::Connection& connection, const Rotation& rotation, const std::string& created);

/// By which keys of other backends those that open the rows are wrapped.
[[nodiscard]] std::vector<WrappedBy> wrapping_keys_of(const KeyEncryptionKeyRecords& records);

/// How many keys are under a key-encryption key.
[[nodiscard]] std::uint64_t count_under(database::Connection& connection, const std::string& id);

/// What came of a rotation.
struct RotationOutcome {
    std::uint64_t rewrapped = 0;               ///< keys
    std::optional<std::string> damaged_label;  ///< of a row that does not open; the old key stays, for such rows
};

/// Puts all keys that are under the old key under the new one, in batches, and removes the old one.
[[nodiscard]] RotationOutcome carry_out(database::Connection& connection,
                                        const Rotation& rotation,
                                        const RewrapRequest& request);

}  // namespace keyway
