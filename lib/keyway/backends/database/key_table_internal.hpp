// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/database/connection_internal.hpp>

#include <cstddef>
#include <functional>
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

/// The key-encryption keys that a database has, as they were at one moment.
struct KeyEncryptionKeyRecords {
    std::optional<KeyEncryptionKeyRecord> active;  ///< the one new keys go under; nothing in a new database
    std::vector<KeyEncryptionKeyRecord> replaced;  ///< those that are being replaced

    /// The one of an id, or null; valid as long as this.
    [[nodiscard]] const KeyEncryptionKeyRecord* find(const std::string& id) const;
};

[[nodiscard]] KeyEncryptionKeyRecords find_key_encryption_keys(database::Connection& connection);

[[nodiscard]] std::optional<KeyRow> find_key(database::Connection& connection, const std::string& label);

/// Adds a record that is to be the active one, in a transaction.
/// @return false when there is another one by now
[[nodiscard]] bool insert_record(soci::session& sql, const KeyEncryptionKeyRecord& record, const std::string& created);

/// Visits all keys by label, page by page, and holds no more than one. Keys that are added or removed meanwhile may be among them
/// or not; the others are, once.
void for_each_page(database::Connection& connection,
                   std::size_t page_size,
                   const std::function<void(const std::vector<KeyHeader>&)>& visit);

/// Adds a key, and the record it is encrypted under when there is none yet, both or neither.
///
/// @param created the time of the record, as text
/// @return false, and nothing added, when another record is the active one by now
/// @throws Errc::already_exists when the label is taken
[[nodiscard]] bool add_key(database::Connection& connection,
                           const KeyRow& key,
                           const KeyEncryptionKeyRecord& record,
                           const std::string& created);

/// Adds a key and removes it, and takes all of that back.
/// @param created the time, as text
/// @throws Errc::storage_failed when the database can only be read, or this user may not add or remove keys; Errc::timed_out
///         when others hold it
void require_writable(database::Connection& connection, const std::string& created);

/// Removes the one key with this label and fingerprint.
/// @return whether it was there
[[nodiscard]] bool remove_key(database::Connection& connection,
                              const std::string& label,
                              const std::string& spki_sha256);

}  // namespace keyway
