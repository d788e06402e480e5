// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/database_internal.hpp>
#include <keyway/database/migrations_internal.hpp>

namespace keyway::database {

Database::~Database() = default;

std::optional<Connection> Database::open_to_change(const std::string& now) const {
    auto connection = open();
    if(connection) {
        migrate(*connection, now);
    }
    return connection;
}

}  // namespace keyway::database
