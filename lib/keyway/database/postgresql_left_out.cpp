// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/postgresql_database_internal.hpp>

namespace keyway::database {

// In the place of postgresql_database.cpp where the library is built without it.
std::unique_ptr<Database> postgresql_database(PostgresqlSettings) {
    throw Error(Errc::unsupported, "this build of Keyway has no PostgreSQL",
                "install libsoci-dev and libpq-dev, and build with: meson setup -Dpostgresql=enabled");
}

}  // namespace keyway::database
