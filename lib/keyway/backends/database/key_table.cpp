// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/key_table_internal.hpp>

#include <algorithm>
#include <utility>

namespace keyway {

namespace {

using database::Connection;

constexpr auto select_record =
    "select id, argon2_memory_kib, argon2_passes, argon2_parallelism, salt, check_value,"
    " coalesce(sealed_for_active, '') from key_encryption_key where ";

/// Where a row is read to.
struct RecordRow {
    KeyEncryptionKeyRecord record;
    long long memory_kib = 0;
    long long passes = 0;
    long long parallelism = 0;

    [[nodiscard]] KeyEncryptionKeyRecord finished() && {
        const auto positive = [](long long number) { return static_cast<std::uint64_t>(std::max(number, 0LL)); };
        record.cost = {positive(memory_kib), positive(passes), positive(parallelism)};
        return std::move(record);
    }
};

/// @param lock put behind the select
std::optional<KeyEncryptionKeyRecord> select_active(soci::session& sql, const std::string& lock = {}) {
    RecordRow row;
    sql << select_record << "active = 1" << lock, soci::into(row.record.id), soci::into(row.memory_kib),
        soci::into(row.passes), soci::into(row.parallelism), soci::into(row.record.salt),
        soci::into(row.record.check_value), soci::into(row.record.sealed_for_active);
    return sql.got_data() ? std::optional(std::move(row).finished()) : std::nullopt;
}

std::optional<KeyEncryptionKeyRecord> select_record_of(soci::session& sql, const std::string& id) {
    RecordRow row;
    sql << select_record << "id = :id", soci::use(id, "id"), soci::into(row.record.id), soci::into(row.memory_kib),
        soci::into(row.passes), soci::into(row.parallelism), soci::into(row.record.salt),
        soci::into(row.record.check_value), soci::into(row.record.sealed_for_active);
    return sql.got_data() ? std::optional(std::move(row).finished()) : std::nullopt;
}

std::optional<KeyRow> select_key(soci::session& sql, const std::string& label) {
    KeyRow row;
    sql << "select label, spki_sha256, key_type, created, key_encryption_key_id, wrapped_data_key,"
           " encrypted_private_key from signing_key where label = :label",
        soci::use(label, "label"), soci::into(row.header.label), soci::into(row.header.spki_sha256),
        soci::into(row.header.key_type), soci::into(row.header.created),
        soci::into(row.key_encryption_key_id), soci::into(row.wrapped_data_key),
        soci::into(row.encrypted_private_key);
    return sql.got_data() ? std::optional(std::move(row)) : std::nullopt;
}

}  // namespace

std::optional<KeyEncryptionKeyRecord> find_active_key_encryption_key(Connection& connection) {
    return connection.run([](soci::session& sql) { return select_active(sql); });
}

std::optional<KeyEncryptionKeyRecord> find_key_encryption_key(Connection& connection, const std::string& id) {
    return connection.run([&](soci::session& sql) { return select_record_of(sql, id); });
}

std::vector<KeyEncryptionKeyRecord> find_replaced(Connection& connection) {
    return connection.run([](soci::session& sql) {
        std::vector<std::string> ids;
        std::string id;
        soci::statement statement =
            (sql.prepare << "select id from key_encryption_key where active is null order by id", soci::into(id));
        statement.execute();
        while(statement.fetch()) {
            ids.push_back(id);
        }
        std::vector<KeyEncryptionKeyRecord> records;
        for(const auto& each : ids) {
            if(auto record = select_record_of(sql, each)) {
                records.push_back(*std::move(record));
            }
        }
        return records;
    });
}

std::optional<KeyRow> find_key(Connection& connection, const std::string& label) {
    return connection.run([&](soci::session& sql) { return select_key(sql, label); });
}

std::vector<KeyHeader> list_keys(Connection& connection) {
    return connection.run([](soci::session& sql) {
        std::vector<KeyHeader> keys;
        KeyHeader row;
        soci::statement statement =
            (sql.prepare << "select label, spki_sha256, key_type, created from signing_key order by label",
             soci::into(row.label),
             soci::into(row.spki_sha256),
             soci::into(row.key_type),
             soci::into(row.created));
        statement.execute();
        while(statement.fetch()) {
            keys.push_back(row);
        }
        return keys;
    });
}

bool insert_record(soci::session& sql, const KeyEncryptionKeyRecord& record, const std::string& created) {
    const auto memory_kib = static_cast<long long>(record.cost.memory_kib);
    const auto passes = static_cast<long long>(record.cost.passes);
    const auto parallelism = static_cast<long long>(record.cost.parallelism);
    sql << "insert into key_encryption_key (id, active, kind, argon2_memory_kib, argon2_passes,"
           " argon2_parallelism, salt, check_value, created)"
           " values (:id, 1, 'passphrase', :memory, :passes, :parallelism, :salt, :check, :created)"
           " on conflict do nothing",
        soci::use(record.id, "id"), soci::use(memory_kib, "memory"), soci::use(passes, "passes"),
        soci::use(parallelism, "parallelism"), soci::use(record.salt, "salt"),
        soci::use(record.check_value, "check"), soci::use(created, "created");
    const auto active = select_active(sql);
    return active && active->id == record.id;
}

bool add_key(Connection& connection,
             const KeyRow& key,
             const KeyEncryptionKeyRecord& record,
             const std::string& created) {
    const Error taken(Errc::already_exists,
                      "there is a key " + in_quotes(key.header.label) + " already in the database",
                      "choose another label; nothing is ever overwritten");
    const auto add = [&](soci::session& sql) {
        const auto active = select_active(sql, connection.dialect().keep_row);
        if(active ? active->id != record.id : !insert_record(sql, record, created)) {
            return false;
        }
        sql << "insert into signing_key (label, spki_sha256, key_type, created, key_encryption_key_id,"
               " wrapped_data_key, encrypted_private_key)"
               " values (:label, :spki, :type, :created, :record, :wrapped, :encrypted)",
            soci::use(key.header.label, "label"), soci::use(key.header.spki_sha256, "spki"),
            soci::use(key.header.key_type, "type"), soci::use(key.header.created, "created"),
            soci::use(key.key_encryption_key_id, "record"), soci::use(key.wrapped_data_key, "wrapped"),
            soci::use(key.encrypted_private_key, "encrypted");
        return true;
    };
    // No other row has the same ciphertext.
    const auto was_added = [&](soci::session& sql) {
        const auto found = select_key(sql, key.header.label);
        return found && found->encrypted_private_key == key.encrypted_private_key ? std::optional(true) : std::nullopt;
    };
    return connection.write(taken, add, was_added);
}

void require_writable(Connection& connection) {
    const Error never(Errc::internal, "nothing was changed, and broke a rule");
    connection.write(never, [](soci::session& sql) {
        sql << "delete from signing_key where label = ''";  // which no key has
    });
}

bool remove_key(Connection& connection, const std::string& label, const std::string& spki_sha256) {
    const Error kept(Errc::storage_failed,
                     "the key " + in_quotes(label) + " cannot be removed: other rows refer to it");
    bool was_there = false;
    const auto remove = [&](soci::session& sql) {
        soci::statement statement =
            (sql.prepare << "delete from signing_key where label = :label and spki_sha256 = :spki",
             soci::use(label, "label"),
             soci::use(spki_sha256, "spki"));
        statement.execute(true);
        was_there = was_there || statement.get_affected_rows() == 1;
        return was_there;
    };
    const auto was_removed = [&](soci::session& sql) {
        const auto found = select_key(sql, label);
        return found && found->header.spki_sha256 == spki_sha256 ? std::nullopt : std::optional(was_there);
    };
    return connection.write(kept, remove, was_removed);
}

}  // namespace keyway
