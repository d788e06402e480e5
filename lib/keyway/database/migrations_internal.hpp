// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/connection_internal.hpp>

#include <string>

namespace keyway::database {

/// The schema that this version of the library writes.
inline constexpr int schema_version = 2;

/// Brings a database to schema_version, in one transaction; does nothing when it is there.
///
/// @param where the database, for messages
/// @param applied the time, as text, kept with each step
/// @throws Errc::unsupported when the database is of a newer version
void migrate(Connection& connection, const std::string& where, const std::string& applied);

/// Makes the table of versions in a new database; migrate or apply_migrations does the rest.
void make_version_table(soci::session& sql);

/// The same as migrate within a transaction that has been begun already.
void apply_migrations(soci::session& sql, const Dialect& dialect, const std::string& applied);

}  // namespace keyway::database
