// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/connection_internal.hpp>

#include <functional>
#include <optional>
#include <string>

namespace keyway::database {

/// A database of Keyway's, in whatever system it is kept.
/// @threadsafety safe
class Database {
public:
    virtual ~Database();

    /// Opens the database to read it; nothing when it is not there. Its schema may be an older one (Connection::schema), and
    /// stays so.
    ///
    /// @throws Errc::malformed_data when it is no database of Keyway's
    /// @throws Errc::unsupported when it is of a newer version
    /// @throws Errc::storage_failed, Errc::timed_out, and what the system has besides
    [[nodiscard]] virtual std::optional<Connection> open() const = 0;

    /// Opens the database to change it, and brings it to the schema of this library.
    ///
    /// @param now the time, as text
    /// @throws as open; Errc::storage_failed when it has an older schema and this user cannot change that
    [[nodiscard]] std::optional<Connection> open_to_change(const std::string& now) const;

    /// Sees whether there is room for more, as far as that can be seen without a change.
    /// @throws Errc::storage_failed when there is none
    virtual void require_room() const {}

    /// Makes the database with what is to be in it from the beginning.
    ///
    /// @param fill adds the first rows; what it throws leaves them away
    /// @return false when nothing was added, as somebody else has made the database: it is to be opened
    /// @throws as open
    [[nodiscard]] virtual bool make(const std::string& now, const std::function<bool(Connection&)>& fill) const = 0;

    /// Which database it is, for messages; without a secret.
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;
};

}  // namespace keyway::database
