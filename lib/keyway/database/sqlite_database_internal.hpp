// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/database_internal.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace keyway::database {

/// A database in one file, only for its owner.
///
/// A connection is opened for each piece of work: it costs well under a millisecond, serves any number of threads and
/// processes, survives a fork, and never writes into a file that has been replaced in the meantime.
/// @threadsafety safe
class SqliteDatabase final : public Database {
public:
    /// @param patience how long to wait for others who hold the database
    /// @throws Errc::invalid_option when SQLite cannot be told the path: it has a double quotation mark
    explicit SqliteDatabase(const std::filesystem::path& path,
                            std::chrono::seconds patience = std::chrono::seconds(10));

    /// Opens the database as it is; nothing when the file is not there. Where the folder cannot be written, the database is
    /// opened to be read only.
    ///
    /// @throws Errc::permissions_insecure when others can read or replace the file or one that SQLite puts beside it,
    ///         or can write into its folder, or it is a symbolic link
    /// @throws Errc::malformed_data when it is no database of Keyway's
    /// @throws Errc::unsupported when it is of a newer version
    [[nodiscard]] std::optional<Connection> open() const override;

    void require_room() const override;

    /// Makes the database with what is to be in it from the beginning: whole or not at all.
    ///
    /// @param fill adds the first rows; when it throws or answers false, no database is left behind
    /// @return false when there is one already, which is left as it is, or fill said so
    /// @throws Errc::already_exists when another database of that name has left its log behind
    /// @throws Errc::permissions_insecure when others can write into the folder; Errc::storage_failed
    [[nodiscard]] bool make(const std::string& now, const std::function<bool(Connection&)>& fill) const override;

    [[nodiscard]] const std::string& name() const noexcept override { return path_.native(); }

private:
    std::filesystem::path path_;
    std::chrono::seconds patience_;
};

}  // namespace keyway::database
