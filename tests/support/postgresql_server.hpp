// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <support/temporary_folder.hpp>

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

struct pg_conn;

namespace keyway::test {

/// A PostgreSQL server of the test program's own: in a temporary folder, reached by a socket in it and by nothing else. It
/// ends with the program, also when that is killed.
class PostgresqlServer {
public:
    /// The one server of this program, started when it is first asked for; ends the test as skipped, with the reason
    /// printed, where no server is installed.
    static PostgresqlServer& get();

    PostgresqlServer(const PostgresqlServer&) = delete;
    PostgresqlServer& operator=(const PostgresqlServer&) = delete;
    ~PostgresqlServer();

    /// A new, empty database.
    /// @return its connection string
    std::string new_database(const std::string& encoding = "UTF8");

    /// A connection string for a database, as the user "guarded", who has the password guarded_password().
    static std::string as_guarded(const std::string& connection) { return connection + " user=guarded"; }
    static std::string guarded_password() { return "p:a\\ss'w\xc3\xb6rd "; }

    /// Ends all server processes at once, as a crash of the machine would.
    void kill();
    void start();
    void restart() {
        kill();
        start();
    }
    /// Lets the server's processes stand still, and go on.
    void signal_all(int signal) const;

    /// How many lines of the server's log have these words.
    [[nodiscard]] int count_in_log(const std::string& words) const;

    /// The folder of the server's socket.
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

    /// The folder in which a server's programs are; empty where there is none.
    static std::filesystem::path programs();

private:
    PostgresqlServer();

    [[nodiscard]] std::vector<std::string> as_owner(std::vector<std::string> command) const;
    [[nodiscard]] std::string base() const;
    [[nodiscard]] std::string log() const;

    TemporaryFolder folder_;
    pid_t process_ = -1;
    int databases_ = 0;
};

/// A connection past the library, as anybody can have who may use the server.
class PostgresqlClient {
public:
    /// @throws std::runtime_error when it cannot be had
    explicit PostgresqlClient(const std::string& connection);
    PostgresqlClient(const PostgresqlClient&) = delete;
    PostgresqlClient& operator=(const PostgresqlClient&) = delete;
    ~PostgresqlClient();

    /// Rows, each with its columns joined by "|".
    /// @throws std::runtime_error with the server's words
    std::vector<std::string> rows(const std::string& statement);

    /// The first column of the only row.
    std::string answer(const std::string& query) { return rows(query).at(0); }

private:
    pg_conn* connection_;
};

}  // namespace keyway::test
