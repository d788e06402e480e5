// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/connection_internal.hpp>

#include <functional>
#include <string>

namespace keyway::database {

/// The schema that this version of the library writes.
inline constexpr int schema_version = 3;

/// Finds out which schema a database has, and tells the connection. Nothing is changed.
/// @throws Errc::unsupported when the database is of a newer version; Errc::malformed_data when it has none
void look_at_schema(Connection& connection);

/// Brings a database to schema_version, in one transaction; does nothing when the connection knows it to be there.
///
/// @param applied the time, as text, kept with each step
/// @throws Errc::storage_failed when it cannot be changed, with who can
void migrate(Connection& connection, const std::string& applied);

/// Does work at schema_version in a transaction that is rolled back at the end, and so is the schema of an older database.
/// @param applied as in migrate
void rehearse_at_newest_schema(Connection& connection,
                               const std::string& applied,
                               const std::function<void(soci::session& sql)>& work);

/// Makes the table of versions in a new database; migrate or apply_migrations does the rest.
void make_version_table(soci::session& sql);

/// The same as migrate within a transaction that has been begun already.
void apply_migrations(soci::session& sql, const Dialect& dialect, const std::string& applied);

}  // namespace keyway::database
