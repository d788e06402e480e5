// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/database_backend.hpp>

#include <backends/database/sqlite_file.hpp>
#include <backends/file/opened_backend.hpp>
#include <support/temporary_folder.hpp>
#ifdef KEYWAY_ON_POSTGRESQL
#include <support/postgresql_server.hpp>
#endif

#include <string>

namespace keyway::test {

/// A new database, on the system that the test program is built for: tests are the same on both.
class DatabasePlace {
public:
#ifdef KEYWAY_ON_POSTGRESQL
    static constexpr bool is_file = false;

    [[nodiscard]] OpenedBackend::Texts where() const { return {{"postgresql", connection_ + " user=postgres"}}; }
    [[nodiscard]] std::string answer(const std::string& query) const {
        return PostgresqlClient(connection_ + " options='-c search_path=keyway'").answer(query);
    }
    void execute(const std::string& statement) const {
        PostgresqlClient(connection_ + " options='-c search_path=keyway'").rows(statement);
    }
    [[nodiscard]] const std::string& connection() const { return connection_; }
#else
    static constexpr bool is_file = true;

    [[nodiscard]] OpenedBackend::Texts where() const { return {{"path", path().string()}}; }
    [[nodiscard]] std::string answer(const std::string& query) const { return test::answer(path(), query); }
    void execute(const std::string& statement) const { test::execute(path(), statement); }
    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "keys.db"; }
#endif

    /// Settings with a passphrase that is quickly worked on.
    [[nodiscard]] OpenedBackend::Texts settings() const {
        auto all = where();
        all.insert({{"passphrase", "env:PASS"}, {"argon2-memory-kib", "8192"}, {"argon2-passes", "1"}});
        return all;
    }

    [[nodiscard]] OpenedBackend opened(const std::string& passphrase = "correct horse") const {
        return {database_backend(), settings(), {{"PASS", passphrase}}};
    }

private:
    TemporaryFolder folder_;
#ifdef KEYWAY_ON_POSTGRESQL
    std::string connection_ = PostgresqlServer::get().new_database();
#endif
};

}  // namespace keyway::test
