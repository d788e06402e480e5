// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/key_table_internal.hpp>
#include <keyway/database/migrations_internal.hpp>

#include <algorithm>
#include <utility>

namespace keyway {

namespace {

using database::Connection;

constexpr auto wrapped_kind = "wrapped";

/// The columns of a record, by the schema that the database has: what an older one does not have is empty.
std::string select_record(int schema) {
    return std::string("select id, coalesce(active, 0), kind, coalesce(argon2_memory_kib, 0), coalesce(argon2_passes, 0),"
                       " coalesce(argon2_parallelism, 0), coalesce(salt, ''), check_value, ") +
           (schema < 2 ? "''" : "coalesce(sealed_for_active, '')") + ", " +
           (schema < 3 ? "'', '', '', ''"
                       : "coalesce(wrapped_by, ''), coalesce(wrap_mechanism, ''), coalesce(wrapped_key, ''),"
                         " coalesce(wrap_signature, '')") +
           " from key_encryption_key";
}

/// Where a row is read to.
struct RecordRow {
    KeyEncryptionKeyRecord record;
    int active = 0;
    std::string kind{};
    long long memory_kib = 0;
    long long passes = 0;
    long long parallelism = 0;

    [[nodiscard]] KeyEncryptionKeyRecord finished() const {
        const auto positive = [](long long number) { return static_cast<std::uint64_t>(std::max(number, 0LL)); };
        auto out = record;
        out.cost = {positive(memory_kib), positive(passes), positive(parallelism)};
        out.kind = kind == wrapped_kind ? KeyEncryptionKind::wrapped : KeyEncryptionKind::passphrase;
        return out;
    }
};

/// All of them by one statement, so that they fit together.
/// @param lock to lock the active one, which then is the only one
KeyEncryptionKeyRecords select_records(soci::session& sql, int schema, const std::string& lock = {}) {
    KeyEncryptionKeyRecords records;
    RecordRow row;
    const auto text = select_record(schema) + (lock.empty() ? " order by id" : " where active = 1" + lock);
    soci::statement statement =
        (sql.prepare << text, soci::into(row.record.id), soci::into(row.active), soci::into(row.kind),
         soci::into(row.memory_kib), soci::into(row.passes), soci::into(row.parallelism), soci::into(row.record.salt),
         soci::into(row.record.check_value), soci::into(row.record.sealed_for_active), soci::into(row.record.wrapped_by),
         soci::into(row.record.wrap_mechanism), soci::into(row.record.wrapped_key), soci::into(row.record.wrap_signature));
    statement.execute();
    while(statement.fetch()) {
        if(row.active == 1) {
            records.active = row.finished();
        } else {
            records.replaced.push_back(row.finished());
        }
    }
    return records;
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

const KeyEncryptionKeyRecord* KeyEncryptionKeyRecords::find(const std::string& id) const {
    if(active && active->id == id) {
        return &*active;
    }
    const auto found = std::ranges::find(replaced, id, &KeyEncryptionKeyRecord::id);
    return found == replaced.end() ? nullptr : &*found;
}

KeyEncryptionKeyRecords find_key_encryption_keys(Connection& connection) {
    return connection.run([&](soci::session& sql) { return select_records(sql, connection.schema()); });
}

std::optional<KeyRow> find_key(Connection& connection, const std::string& label) {
    return connection.run([&](soci::session& sql) { return select_key(sql, label); });
}

namespace {

/// The next keys by label.
std::vector<KeyHeader> page_after(soci::session& sql, const std::string& after, std::size_t size) {
    std::vector<KeyHeader> keys;
    KeyHeader row;
    const auto limit = static_cast<long long>(size);
    soci::statement statement =
        (sql.prepare << "select label, spki_sha256, key_type, created from signing_key where label > :after order by label"
                        " limit :size",
         soci::use(after, "after"), soci::use(limit, "size"), soci::into(row.label), soci::into(row.spki_sha256),
         soci::into(row.key_type), soci::into(row.created));
    statement.execute();
    while(statement.fetch()) {
        keys.push_back(row);
    }
    return keys;
}

}  // namespace

void for_each_key(Connection& connection, std::size_t page_size, const std::function<void(const KeyHeader&)>& visit) {
    std::string after;  // no label is empty
    for(;;) {
        // Each page is a statement of its own: a lost connection is found again in the middle, and no server is made to hold all.
        const auto page = connection.run([&](soci::session& sql) { return page_after(sql, after, page_size); });
        for(const auto& key : page) {
            visit(key);
        }
        if(page.size() < page_size) {
            return;
        }
        after = page.back().label;
    }
}

bool insert_record(soci::session& sql, const KeyEncryptionKeyRecord& record, const std::string& created) {
    const auto memory_kib = static_cast<long long>(record.cost.memory_kib);
    const auto passes = static_cast<long long>(record.cost.passes);
    const auto parallelism = static_cast<long long>(record.cost.parallelism);
    const bool wrapped = record.kind == KeyEncryptionKind::wrapped;
    const std::string kind = wrapped ? wrapped_kind : "passphrase";
    soci::indicator of_passphrase = wrapped ? soci::i_null : soci::i_ok;
    soci::indicator of_wrapped = wrapped ? soci::i_ok : soci::i_null;
    sql << "insert into key_encryption_key (id, active, kind, argon2_memory_kib, argon2_passes, argon2_parallelism, salt,"
           " wrapped_by, wrap_mechanism, wrapped_key, wrap_signature, check_value, created)"
           " values (:id, 1, :kind, :memory, :passes, :parallelism, :salt, :by, :mechanism, :wrapped, :signature, :check,"
           " :created) on conflict do nothing",
        soci::use(record.id, "id"), soci::use(kind, "kind"), soci::use(memory_kib, of_passphrase, "memory"),
        soci::use(passes, of_passphrase, "passes"), soci::use(parallelism, of_passphrase, "parallelism"),
        soci::use(record.salt, of_passphrase, "salt"), soci::use(record.wrapped_by, of_wrapped, "by"),
        soci::use(record.wrap_mechanism, of_wrapped, "mechanism"), soci::use(record.wrapped_key, of_wrapped, "wrapped"),
        soci::use(record.wrap_signature, of_wrapped, "signature"), soci::use(record.check_value, "check"),
        soci::use(created, "created");
    const auto active = select_records(sql, database::schema_version).active;
    return active && active->id == record.id;
}

namespace {

/// Adds the rows of a key within a transaction.
bool insert_key(soci::session& sql,
                const database::Dialect& dialect,
                const KeyRow& key,
                const KeyEncryptionKeyRecord& record,
                const std::string& created) {
    const auto active = select_records(sql, database::schema_version, dialect.keep_row).active;
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
}

}  // namespace

bool add_key(Connection& connection,
             const KeyRow& key,
             const KeyEncryptionKeyRecord& record,
             const std::string& created) {
    const Error taken(Errc::already_exists,
                      "there is a key " + in_quotes(key.header.label) + " already in the database",
                      "choose another label; nothing is ever overwritten");
    const auto add = [&](soci::session& sql) { return insert_key(sql, connection.dialect(), key, record, created); };
    // No other row has the same ciphertext.
    const auto was_added = [&](soci::session& sql) {
        const auto found = select_key(sql, key.header.label);
        return found && found->encrypted_private_key == key.encrypted_private_key ? std::optional(true) : std::nullopt;
    };
    return connection.write(taken, add, was_added);
}

void require_writable(Connection& connection, const std::string& created) {
    // Rows as large as a key's, under a label that no key has.
    KeyRow key{.header = {.label = {}, .spki_sha256 = std::string(64, '0'), .key_type = "p-256", .created = created},
               .key_encryption_key_id = {},
               .wrapped_data_key = std::string(80, 'A'),
               .encrypted_private_key = std::string(4096, 'A')};
    // The first change brings the schema up.
    database::rehearse_at_newest_schema(connection, created, [&](soci::session& sql) {
        const auto active = select_records(sql, database::schema_version).active;
        KeyEncryptionKeyRecord record{.id = "rehearsal", .cost = {}, .salt = {}, .check_value = {}};
        key.key_encryption_key_id = active ? active->id : record.id;
        static_cast<void>(insert_key(sql, connection.dialect(), key, active.value_or(record), created));
        sql << "delete from signing_key where label = ''";
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
