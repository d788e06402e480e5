// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/envelope_internal.hpp>
#include <keyway/backends/database/rewrap_internal.hpp>
#include <keyway/backends/database/sealed_key_internal.hpp>

#include <algorithm>
#include <utility>

namespace keyway {

namespace {

using database::Connection;

std::vector<std::uint8_t> replaced_purpose(const std::string& old_id, const std::string& new_id) {
    return associated_data("key-encryption-key", {old_id, new_id});
}

Error failed(const Connection& connection) {
    return {Errc::storage_failed, "the key-encryption key of the database " + in_quotes(connection.where()) +
                                      " cannot be changed: other rows refer to it",
            "do it again, which goes on from here"};
}

struct WrappedRow {
    KeyHeader header;
    std::string wrapped_data_key;
};

std::vector<WrappedRow> next_rows(soci::session& sql, const std::string& id, const std::string& after, std::size_t size) {
    std::vector<WrappedRow> rows;
    WrappedRow row;
    const auto limit = static_cast<long long>(size);
    soci::statement statement =
        (sql.prepare << "select label, spki_sha256, wrapped_data_key from signing_key where key_encryption_key_id = :id"
                        " and label > :after order by label limit :size",
         soci::use(id, "id"), soci::use(after, "after"), soci::use(limit, "size"), soci::into(row.header.label),
         soci::into(row.header.spki_sha256), soci::into(row.wrapped_data_key));
    statement.execute();
    while(statement.fetch()) {
        rows.push_back(row);
    }
    return rows;
}

/// What one batch has done.
struct Batch {
    std::uint64_t rewrapped = 0;
    std::optional<std::string> last_label;     ///< nothing when there was no more
    std::optional<std::string> damaged_label;  ///< of a row that does not open
};

/// Puts the next keys by label under the new key, all of them or none.
Batch rewrap_batch(Connection& connection, const Rotation& rotation, const std::string& after_label, std::size_t size) {
    const auto& old_id = rotation.old_key.record.id;
    const auto& new_id = rotation.new_key.record.id;
    // May be done twice: what is under the new key already is not among the rows.
    return connection.write(failed(connection), [&](soci::session& sql) {
        Batch batch;
        const auto rows = next_rows(sql, old_id, after_label, size);
        std::string label;
        std::string before;
        std::string after;
        soci::statement update = (sql.prepare << "update signing_key set wrapped_data_key = :after, key_encryption_key_id = :new"
                                                 " where label = :label and key_encryption_key_id = :old"
                                                 " and wrapped_data_key = :before",
                                  soci::use(after, "after"), soci::use(new_id, "new"), soci::use(label, "label"),
                                  soci::use(old_id, "old"), soci::use(before, "before"));
        for(const auto& row : rows) {
            batch.last_label = row.header.label;
            const auto data_key = unseal(rotation.old_key.bytes, row.wrapped_data_key, data_key_purpose(row.header, old_id));
            if(!data_key) {
                batch.damaged_label = row.header.label;
                continue;
            }
            label = row.header.label;
            before = row.wrapped_data_key;
            after = seal(rotation.new_key.bytes, *data_key, data_key_purpose(row.header, new_id));
            update.execute(true);
            ++batch.rewrapped;
        }
        return batch;
    });
}

/// Removes the old key, under which nothing may be any more.
void end_rotation(Connection& connection, const std::string& old_id) {
    connection.write(failed(connection), [&](soci::session& sql) {
        sql << "delete from key_encryption_key where id = :id and active is null", soci::use(old_id, "id");
    });
}

}  // namespace

KeyEncryptionKey unlock_replaced(const KeyEncryptionKeyRecord& record,
                                 const KeyEncryptionKey& active,
                                 const std::string& where) {
    auto bytes = unseal(active.bytes, record.sealed_for_active, replaced_purpose(record.id, active.record.id));
    if(!bytes || bytes->size() != envelope_key_size) {
        throw Error(Errc::malformed_data,
                    "the record of the key-encryption key that is being replaced in the database " + in_quotes(where) +
                        " has been changed or is damaged",
                    "restore the database from a copy");
    }
    return {record, *std::move(bytes)};
}

bool begin_rotation(Connection& connection, const Rotation& rotation, const std::string& created) {
    const auto& old_id = rotation.old_key.record.id;
    const auto& new_id = rotation.new_key.record.id;
    const auto sealed = seal(rotation.new_key.bytes, rotation.old_key.bytes, replaced_purpose(old_id, new_id));
    const auto was_begun = [&](soci::session& sql) {
        int found = 0;
        sql << "select count(*) from key_encryption_key where id = :id", soci::use(new_id, "id"), soci::into(found);
        return found == 1 ? std::optional(true) : std::nullopt;
    };
    const auto begin = [&](soci::session& sql) {
        soci::statement statement = (sql.prepare << "update key_encryption_key set active = null, sealed_for_active = :sealed"
                                                    " where id = :id and active = 1",
                                     soci::use(sealed, "sealed"), soci::use(old_id, "id"));
        statement.execute(true);
        if(statement.get_affected_rows() != 1) {
            // It may be by ourselves: the transaction of a lost connection may have ended only after was_begun had looked.
            return was_begun(sql).value_or(false);
        }
        return insert_record(sql, rotation.new_key.record, created);
    };
    return connection.write(failed(connection), begin, was_begun);
}

std::vector<WrappedBy> wrapping_keys_of(const KeyEncryptionKeyRecords& records) {
    std::vector<WrappedBy> out;
    // One that is being replaced is sealed under the active one, and so needs no other.
    if(records.active && records.active->kind == KeyEncryptionKind::wrapped) {
        out.push_back({.fingerprint = records.active->wrapped_by, .mechanism = records.active->wrap_mechanism});
    }
    return out;
}

std::uint64_t count_under(Connection& connection, const std::string& id) {
    return connection.run([&](soci::session& sql) {
        long long count = 0;
        sql << "select count(*) from signing_key where key_encryption_key_id = :id", soci::use(id, "id"),
            soci::into(count);
        return static_cast<std::uint64_t>(count);
    });
}

RotationOutcome carry_out(Connection& connection, const Rotation& rotation, const RewrapRequest& request) {
    const auto& old_id = rotation.old_key.record.id;
    RewrapProgress progress{.total = count_under(connection, old_id)};
    RotationOutcome outcome;
    std::string label;
    for(;;) {
        const auto batch = rewrap_batch(connection, rotation, label, std::max<std::size_t>(request.batch, 1));
        if(!batch.last_label) {
            break;
        }
        label = *batch.last_label;
        progress.done += batch.rewrapped;
        if(!outcome.damaged_label) {
            outcome.damaged_label = batch.damaged_label;
        }
        if(request.progress) {
            request.progress(progress);
        }
    }
    if(!outcome.damaged_label) {
        end_rotation(connection, old_id);
    }
    outcome.rewrapped = progress.done;
    return outcome;
}

}  // namespace keyway
