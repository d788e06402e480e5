// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/keyring/keyring.hpp>

// Which of them the build has is the choice of meson_options.txt.
#if KEYWAY_HSM
#include <keyway/backends/hsm/hsm_backend.hpp>
#endif
#if KEYWAY_DATABASE
#include <keyway/backends/database/database_backend.hpp>
#endif

#include <utility>

namespace keyway {

namespace {

void add_hsm(BackendRegistry& registry) {
#if KEYWAY_HSM
    registry.add(hsm_backend());
#else
    registry.add_left_out({.name = "hsm",
                           .title = "a PKCS#11 token: an HSM, a smart card, SoftHSM",
                           .how = "install libp11-kit-dev, and build with: meson setup -Dhsm=enabled"});
#endif
}

void add_database(BackendRegistry& registry) {
#if KEYWAY_DATABASE
    auto type = database_backend();
#if !KEYWAY_POSTGRESQL
    type.left_out.push_back({.name = "postgresql",
                             .title = "databases on a PostgreSQL server",
                             .how = "install libsoci-dev and libpq-dev, and build with: meson setup -Dpostgresql=enabled"});
#endif
    registry.add(std::move(type));
#else
    registry.add_left_out(
        {.name = "database",
         .title = "keys in a database, SQLite or PostgreSQL: encrypted one by one, under a passphrase or a key of another backend",
         .how = "install libsoci-dev, libboost-dev and libsqlite3-dev, for PostgreSQL also libpq-dev, and build with: "
                "meson setup -Ddatabase=enabled"});
#endif
}

}  // namespace

BackendRegistry standard_backends() {
    BackendRegistry registry;
    add_hsm(registry);
    registry.add(file_backend());
    add_database(registry);
    return registry;
}

}  // namespace keyway
