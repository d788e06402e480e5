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

/// All records by one statement, so that they fit together.
class SelectRecords final : public database::KeptStatement {
public:
    SelectRecords(soci::session& sql, const std::string& text)
        : statement_((sql.prepare << text, soci::into(row_.record.id), soci::into(row_.active), soci::into(row_.kind),
                      soci::into(row_.memory_kib), soci::into(row_.passes), soci::into(row_.parallelism),
                      soci::into(row_.record.salt), soci::into(row_.record.check_value),
                      soci::into(row_.record.sealed_for_active), soci::into(row_.record.wrapped_by),
                      soci::into(row_.record.wrap_mechanism), soci::into(row_.record.wrapped_key),
                      soci::into(row_.record.wrap_signature))) {}

    [[nodiscard]] KeyEncryptionKeyRecords all() {
        KeyEncryptionKeyRecords records;
        statement_.execute();
        while(statement_.fetch()) {
            if(row_.active == 1) {
                records.active = row_.finished();
            } else {
                records.replaced.push_back(row_.finished());
            }
        }
        return records;
    }

private:
    RecordRow row_;
    soci::statement statement_;
};

/// Within a transaction that writes.
/// @param lock to lock the active one, which then is the only one
KeyEncryptionKeyRecords select_records(soci::session& sql, const std::string& lock = {}) {
    const auto text = select_record(database::schema_version);
    return SelectRecords(sql, text + (lock.empty() ? " order by id" : " where active = 1" + lock)).all();
}

constexpr auto select_by_label =
    "select label, spki_sha256, key_type, created, key_encryption_key_id, wrapped_data_key, encrypted_private_key"
    " from signing_key where label = :label";

class SelectKey final : public database::KeptStatement {
public:
    SelectKey(soci::session& sql, const std::string& text)
        : statement_((sql.prepare << text, soci::use(label_, "label"), soci::into(row_.header.label),
                      soci::into(row_.header.spki_sha256), soci::into(row_.header.key_type), soci::into(row_.header.created),
                      soci::into(row_.key_encryption_key_id), soci::into(row_.wrapped_data_key),
                      soci::into(row_.encrypted_private_key))) {}

    [[nodiscard]] std::optional<KeyRow> with_label(const std::string& label) {
        label_ = label;
        std::optional<KeyRow> found;
        statement_.execute();
        while(statement_.fetch()) {  // to the end, at which the database lets go of it
            found = row_;
        }
        return found;
    }

private:
    std::string label_;
    KeyRow row_;
    soci::statement statement_;
};

std::optional<KeyRow> select_key(soci::session& sql, const std::string& label) {
    return SelectKey(sql, select_by_label).with_label(label);
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
    const auto text = select_record(connection.schema()) + " order by id";
    return connection.run([&](soci::session&) { return connection.kept<SelectRecords>(text).all(); });
}

std::optional<KeyRow> find_key(Connection& connection, const std::string& label) {
    return connection.run([&](soci::session&) { return connection.kept<SelectKey>(select_by_label).with_label(label); });
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

void for_each_page(Connection& connection,
                   std::size_t page_size,
                   const std::function<void(const std::vector<KeyHeader>&)>& visit) {
    std::string after;  // no label is empty
    for(;;) {
        // Each page is a statement of its own: a lost connection is found again in the middle, and no server is made to hold all.
        const auto page = connection.run([&](soci::session& sql) { return page_after(sql, after, page_size); });
        if(!page.empty()) {
            visit(page);
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
    const auto active = select_records(sql).active;
    return active && active->id == record.id;
}

namespace {

/// Adds the rows of a key within a transaction.
bool insert_key(soci::session& sql,
                const database::Dialect& dialect,
                const KeyRow& key,
                const KeyEncryptionKeyRecord& record,
                const std::string& created) {
    const auto active = select_records(sql, dialect.keep_row).active;
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
        const auto active = select_records(sql).active;
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
