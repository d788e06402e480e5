// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/database/connection_internal.hpp>

#include <optional>
#include <string>
#include <vector>

namespace keyway {

/// What anybody who can read the database sees of a key.
struct KeyHeader {
    std::string label;
    std::string spki_sha256;
    std::string key_type;
    std::string created;
};

/// A row of the table of keys.
struct KeyRow {
    KeyHeader header;
    std::string key_encryption_key_id;
    std::string wrapped_data_key;
    std::string encrypted_private_key;
};

/// The record new keys go under; nothing in a new database.
[[nodiscard]] std::optional<KeyEncryptionKeyRecord> find_active_key_encryption_key(
    database::Connection& connection);

[[nodiscard]] std::optional<KeyEncryptionKeyRecord> find_key_encryption_key(database::Connection& connection,
                                                                            const std::string& id);

/// The records of key-encryption keys that are being replaced.
[[nodiscard]] std::vector<KeyEncryptionKeyRecord> find_replaced(database::Connection& connection);

[[nodiscard]] std::optional<KeyRow> find_key(database::Connection& connection, const std::string& label);

/// Adds a record that is to be the active one, in a transaction.
/// @return false when there is another one by now
[[nodiscard]] bool insert_record(soci::session& sql, const KeyEncryptionKeyRecord& record, const std::string& created);

/// All keys by label.
[[nodiscard]] std::vector<KeyHeader> list_keys(database::Connection& connection);

/// Adds a key, and the record it is encrypted under when there is none yet, both or neither.
///
/// @param created the time of the record, as text
/// @return false, and nothing added, when another record is the active one by now
/// @throws Errc::already_exists when the label is taken
[[nodiscard]] bool add_key(database::Connection& connection,
                           const KeyRow& key,
                           const KeyEncryptionKeyRecord& record,
                           const std::string& created);

/// Changes nothing, as a change.
/// @throws Errc::storage_failed when the database can only be read; Errc::timed_out when others hold it
void require_writable(database::Connection& connection);

/// Removes the one key with this label and fingerprint.
/// @return whether it was there
[[nodiscard]] bool remove_key(database::Connection& connection,
                              const std::string& label,
                              const std::string& spki_sha256);

}  // namespace keyway
