// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/connection_internal.hpp>

#include <chrono>
#include <filesystem>
#include <optional>

namespace keyway::database {

/// A database in one file, only for its owner.
///
/// A connection is opened for each piece of work: it costs well under a millisecond, serves any number of threads and
/// processes, survives a fork, and never writes into a file that has been replaced in the meantime.
/// @threadsafety safe
class SqliteDatabase {
public:
    /// @param patience how long to wait for others who hold the database
    /// @throws Errc::invalid_option when SQLite cannot be told the path: it has a double quotation mark
    explicit SqliteDatabase(const std::filesystem::path& path,
                            std::chrono::seconds patience = std::chrono::seconds(10));

    /// Opens the database, and brings it to the schema of this library; nothing when the file is not there.
    ///
    /// @param now the time, as text
    /// @throws Errc::permissions_insecure when others can read or replace the file, or it is a symbolic link
    /// @throws Errc::malformed_data when it is no database of Keyway's
    /// @throws Errc::unsupported when it is of a newer version
    [[nodiscard]] std::optional<Connection> open(const std::string& now) const;

    /// Opens the database, and makes it when it is not there: whole or not at all.
    /// @throws as open; Errc::storage_failed
    [[nodiscard]] Connection open_or_make(const std::string& now) const;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    void make(const std::string& now) const;

    std::filesystem::path path_;
    std::chrono::seconds patience_;
};

}  // namespace keyway::database
