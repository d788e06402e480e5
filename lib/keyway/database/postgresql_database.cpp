// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/migrations_internal.hpp>
#include <keyway/database/postgresql_database_internal.hpp>
#include <keyway/database/postgresql_sessions_internal.hpp>

#include <utility>

namespace keyway::database {

namespace {

struct Found {
    int version_tables = 0;
    int other_tables = 0;
};

constexpr auto select_tables =
    "select count(*) filter (where tablename = 'keyway_schema'), count(*) filter (where tablename <> 'keyway_schema')"
    " from pg_catalog.pg_tables where schemaname = 'keyway'";

/// What is in the schema "keyway".
class Look final : public KeptStatement {
public:
    Look(soci::session& sql, const std::string& text)
        : statement_((sql.prepare << text, soci::into(found_.version_tables), soci::into(found_.other_tables))) {}

    [[nodiscard]] Found found() {
        statement_.execute(true);
        return found_;
    }

private:
    Found found_;
    soci::statement statement_;
};

class PostgresqlDatabase final : public Database {
public:
    explicit PostgresqlDatabase(PostgresqlSettings settings)
        : sessions_(std::make_shared<PostgresqlSessions>(std::move(settings))) {}

    std::optional<Connection> open() const override {
        auto connection = connected();
        const auto found = connection.run([&](soci::session&) { return connection.kept<Look>(select_tables).found(); });
        require_ours(found);
        if(found.version_tables == 0) {
            return std::nullopt;
        }
        look_at_schema(connection);
        return connection;
    }

    bool make(const std::string& now, const std::function<bool(Connection&)>& fill) const override {
        auto connection = connected();
        const Error failed(Errc::storage_failed, "the tables of the database " + in_quotes(name()) + " cannot be made");
        connection.write(failed, [&](soci::session& sql) {
            sql << connection.dialect().lock_schema;
            const auto found = connection.kept<Look>(select_tables).found();
            require_ours(found);
            if(found.version_tables != 0) {
                return;  // another process was faster
            }
            // The administrator may have made it, for a user who may not.
            int there = 0;
            sql << "select count(*) from pg_catalog.pg_namespace where nspname = 'keyway'", soci::into(there);
            if(there == 0) {
                sql << "create schema keyway";
            }
            make_version_table(sql);
            apply_migrations(sql, connection.dialect(), now);
        });
        connection.set_schema(schema_version);
        return fill(connection);
    }

    const std::string& name() const noexcept override { return sessions_->name(); }

private:
    [[nodiscard]] Connection connected() const {
        return {sessions_->borrow(), postgresql_dialect(), name(), sessions_};
    }

    void require_ours(const Found& found) const {
        if(found.version_tables == 0 && found.other_tables != 0) {
            throw Error(Errc::malformed_data,
                        "the schema \"keyway\" of the database " + in_quotes(name()) + " is another program's",
                        "use another database; one without a schema of that name is filled with the first key");
        }
    }

    std::shared_ptr<PostgresqlSessions> sessions_;
};

}  // namespace

std::unique_ptr<Database> postgresql_database(PostgresqlSettings settings) {
    return std::make_unique<PostgresqlDatabase>(std::move(settings));
}

}  // namespace keyway::database
