// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>
#include <keyway/database/database_internal.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace keyway::database {

/// How a PostgreSQL server is reached.
struct PostgresqlSettings {
    /// What libpq takes as connection string or URI, without a password.
    std::string connection;

    /// Reads the password; where there is no such function, libpq finds one by its own ways, or needs none.
    std::function<Secret()> password{};

    /// The most sessions at a time; who needs another one waits.
    std::size_t connections = 8;

    /// The longest a call waits for a free session, for the server to take it, and for each statement.
    std::chrono::milliseconds timeout = std::chrono::seconds(10);
};

/// A database on a PostgreSQL server: the schema "keyway" in it.
///
/// Sessions are kept and used again, by one thread at a time. One that has lost its server is thrown away, and
/// what it was doing is done again on a new one, once (see Connection). A process that comes of a fork opens sessions of
/// its own.
///
/// @throws Errc::invalid_option when the connection string is malformed, or holds a password
/// @throws Errc::unsupported when PostgreSQL was left out of the build
[[nodiscard]] std::unique_ptr<Database> postgresql_database(PostgresqlSettings settings);

}  // namespace keyway::database
