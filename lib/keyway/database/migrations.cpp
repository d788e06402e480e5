// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/migrations_internal.hpp>

#include <exception>
#include <vector>

namespace keyway::database {

namespace {

// Plain SQL that SQLite and PostgreSQL both take. Bytes are kept as base64 and times as ISO 8601 in UTC, both as text:
// the two have no type for them in common that the driver handles.

/// One step: the statements that lead from the version before to this one. Steps are never changed once released.
struct Migration {
    int version;
    std::vector<std::string> statements;
};

/// SQLite changes no rule of a column: the table is made anew, while rows may refer to nothing.
std::vector<std::string> to_version_3(const Dialect& dialect) {
    if(dialect.changes_columns) {
        return {
            "alter table key_encryption_key drop constraint key_encryption_key_kind_check",
            "alter table key_encryption_key add constraint key_encryption_key_kind_check"
            " check (kind in ('passphrase', 'wrapped'))",
            "alter table key_encryption_key alter column argon2_memory_kib drop not null",
            "alter table key_encryption_key alter column argon2_passes drop not null",
            "alter table key_encryption_key alter column argon2_parallelism drop not null",
            "alter table key_encryption_key alter column salt drop not null",
            "alter table key_encryption_key add column wrapped_by text",
            "alter table key_encryption_key add column wrap_mechanism text",
            "alter table key_encryption_key add column wrapped_key text",
            "alter table key_encryption_key add column wrap_signature text",
        };
    }
    return {
        "create table next_key_encryption_key ("
        " id text primary key,"
        " active integer unique check (active = 1),"
        " kind text not null check (kind in ('passphrase', 'wrapped')),"
        " argon2_memory_kib integer,"
        " argon2_passes integer,"
        " argon2_parallelism integer,"
        " salt text,"
        " check_value text not null,"
        " created text not null,"
        " sealed_for_active text,"
        " wrapped_by text,"
        " wrap_mechanism text,"
        " wrapped_key text,"
        " wrap_signature text)",
        "insert into next_key_encryption_key (id, active, kind, argon2_memory_kib, argon2_passes, argon2_parallelism, salt,"
        " check_value, created, sealed_for_active) select id, active, kind, argon2_memory_kib, argon2_passes,"
        " argon2_parallelism, salt, check_value, created, sealed_for_active from key_encryption_key",
        "drop table key_encryption_key",
        "alter table next_key_encryption_key rename to key_encryption_key",
    };
}

std::vector<Migration> migrations(const Dialect& dialect) {
    return {
        {1,
         {
             // Keys that other keys are encrypted under. At most one is active: new keys go under it.
             "create table key_encryption_key ("
             " id text primary key,"
             " active integer unique check (active = 1),"
             " kind text not null check (kind = 'passphrase'),"
             " argon2_memory_kib integer not null,"
             " argon2_passes integer not null,"
             " argon2_parallelism integer not null,"
             " salt text not null,"
             " check_value text not null,"
             " created text not null)",
             // Private keys, each encrypted under a data key of its own, which is encrypted under the key above.
             "create table signing_key ("
             " label " +
                 dialect.binary_text +
                 " primary key,"
             " spki_sha256 text not null,"
             " key_type text not null,"
             " created text not null,"
             " key_encryption_key_id text not null references key_encryption_key (id),"
             " wrapped_data_key text not null,"
             " encrypted_private_key text not null)",
         }},
        {2,
         {
             // While a key-encryption key is being replaced: the key itself, sealed under the active one.
             "alter table key_encryption_key add column sealed_for_active text",
             // To find what is still under it.
             "create index signing_key_by_key_encryption_key on signing_key (key_encryption_key_id, label)",
         }},
        // Key-encryption keys that are no passphrase's, but wrapped by the key of another backend.
        {3, to_version_3(dialect)},
    };
}

constexpr auto select_version = "select coalesce(max(version), 0) from keyway_schema";

long long current_version(soci::session& sql) {
    long long version = 0;  // whatever number is there, to be shown as it is
    sql << select_version, soci::into(version);
    return version;
}

/// The same, asked each time that a database is opened.
class SelectVersion final : public KeptStatement {
public:
    SelectVersion(soci::session& sql, const std::string& text) : statement_((sql.prepare << text, soci::into(version_))) {}

    [[nodiscard]] long long answer() {
        statement_.execute();
        long long version = 0;
        while(statement_.fetch()) {  // to the end, at which the database lets go of it
            version = version_;
        }
        return version;
    }

private:
    long long version_ = 0;
    soci::statement statement_;
};

/// As long as it lives, the session does not see to it that rows refer to rows: in the middle of a migration they need not.
class References {
public:
    explicit References(Connection& connection) : connection_(connection) { set("off"); }
    References(const References&) = delete;
    References& operator=(const References&) = delete;
    ~References() {
        try {
            set("on");
        } catch(const Error&) {
            // a connection that is not used any more
        }
    }

private:
    void set(const std::string& to) {
        if(const auto& statement = connection_.dialect().set_references; !statement.empty()) {
            connection_.run([&](soci::session& sql) { sql << statement + to; });
        }
    }

    Connection& connection_;
};

/// Another process may have been faster: what is done already is not done again.
void bring_up(Connection& connection, soci::session& sql, const std::string& applied) {
    if(const auto& lock = connection.dialect().lock_schema; !lock.empty()) {
        sql << lock;
    }
    apply_migrations(sql, connection.dialect(), applied);
}

}  // namespace

void make_version_table(soci::session& sql) {
    sql << "create table keyway_schema (version integer primary key, applied text not null)";
}

void apply_migrations(soci::session& sql, const Dialect& dialect, const std::string& applied) {
    const auto version = current_version(sql);
    for(const auto& step : migrations(dialect)) {
        if(step.version > version) {
            for(const auto& statement : step.statements) {
                sql << statement;
            }
            sql << "insert into keyway_schema (version, applied) values (:version, :applied)",
                soci::use(step.version, "version"), soci::use(applied, "applied");
        }
    }
}

void look_at_schema(Connection& connection) {
    const auto found =
        connection.run([&](soci::session&) { return connection.kept<SelectVersion>(select_version).answer(); });
    if(found > schema_version) {
        throw Error(Errc::unsupported,
                    "the database " + in_quotes(connection.where()) + " has schema version " + std::to_string(found) +
                        ", but this program knows versions up to " + std::to_string(schema_version),
                    "use the newer version of keyway that wrote it");
    }
    if(found < 1) {
        throw Error(Errc::malformed_data, "the database " + in_quotes(connection.where()) + " does not say which schema it has",
                    "it has been changed or is damaged; restore it from a copy");
    }
    connection.set_schema(static_cast<int>(found));
}

void migrate(Connection& connection, const std::string& applied) {
    if(connection.schema() == schema_version) {
        return;
    }
    const auto cannot = "the schema of the database " + in_quotes(connection.where()) + " is of version " +
                        std::to_string(connection.schema()) + " and cannot be brought to version " +
                        std::to_string(schema_version);
    try {
        const References references(connection);
        connection.write(Error(Errc::storage_failed, cannot), [&](soci::session& sql) { bring_up(connection, sql, applied); });
    } catch(const Error& error) {
        if(error.code() != Errc::storage_failed) {
            throw;
        }
        std::throw_with_nested(Error(Errc::storage_failed, cannot + ": " + error.message(),
                                     "its keys can be used as they are; the first change has to be made by who may change its"
                                     " tables: on a server their owner, for a file whoever may write to it and its folder"));
    }
    connection.set_schema(schema_version);
}

void rehearse_at_newest_schema(Connection& connection,
                               const std::string& applied,
                               const std::function<void(soci::session& sql)>& work) {
    if(connection.schema() == schema_version) {
        connection.rehearse(work);
        return;
    }
    const References references(connection);
    connection.rehearse([&](soci::session& sql) {
        bring_up(connection, sql, applied);
        work(sql);
    });
}

}  // namespace keyway::database
