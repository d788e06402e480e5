// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_options_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/database/postgresql_database_internal.hpp>
#include <keyway/database/sqlite_database_internal.hpp>
#include <keyway/key/naming_backend_internal.hpp>

#include <chrono>
#include <string_view>
#include <utility>

namespace keyway {

OptionTable database_options() {
    using enum Phase;
    return {
        {.name = "path",
         .type = OptionType::path,
         .phases = {settings},
         .help = "the SQLite file; made with mode 0600 when the first key is put into it"},
        {.name = "postgresql",
         .phases = {settings},
         .help = "in place of path: where a PostgreSQL server has the database, as a connection string or URI of libpq "
                 "without a password"},
        {.name = "database-password",
         .type = OptionType::secret_source,
         .phases = {settings},
         .help = "the source of the password of the server's user; without it libpq looks for one (~/.pgpass)"},
        {.name = "connections",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "8",
         .help = "the most connections to the server at a time, 1 to 1000"},
        {.name = "timeout",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "10",
         .help = "how many seconds to wait for the server, or for others who hold the database, 1 to 3600"},
        {.name = "passphrase",
         .type = OptionType::secret_source,
         .phases = {settings, create, store, adopt, use},
         .help = "the source of the passphrase of the database, the same for all its keys"},
        {.name = "wrapping-key",
         .phases = {settings},
         .help = "in place of a passphrase: an RSA or AES key of another backend (one in an HSM, say), by its reference, the "
                 "file with that, or ALIAS:LABEL; all keys of the database are under that key"},
        {.name = "label", .type = OptionType::text, .phases = {create, store, adopt}, .help = "the key's name"},
        {.name = "argon2-memory-kib",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "65536",
         .help =
             "the memory in KiB that one guess at the passphrase takes, 8192 to 1048576; used when the database is new"},
        {.name = "argon2-passes",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "3",
         .help = "how often that memory is gone through, 1 to 100, at most 4 GiB in all; used when the database is new"},
    };
}

namespace {

std::uint64_t number_in_range(const BackendAlias& alias,
                              const OptionValues& settings,
                              std::string_view name,
                              std::uint64_t usual,
                              std::uint64_t most) {
    const auto number = settings.number(name).value_or(usual);
    if(number < 1 || number > most) {
        throw Error(Errc::invalid_option,
                    in_quotes(name) + " of backend " + in_quotes(alias.str()) + " is out of range",
                    "use 1 to " + std::to_string(most));
    }
    return number;
}

}  // namespace

std::unique_ptr<database::Database> configured_database(const BackendAlias& alias,
                                                        const OptionValues& settings,
                                                        const SecretReader& secrets) {
    return naming_backend(alias, [&]() -> std::unique_ptr<database::Database> {
        const auto path = settings.path("path");
        const auto server = settings.text("postgresql");
        if(path.has_value() == server.has_value()) {
            throw Error(Errc::invalid_option,
                        "the backend " + in_quotes(alias.str()) + " has " +
                            (path ? "both \"path\" and \"postgresql\"" : "no \"path\" and no \"postgresql\""),
                        "name the SQLite file for its keys by \"path\", or the server by \"postgresql\"");
        }
        const std::chrono::seconds timeout(number_in_range(alias, settings, "timeout", 10, 3600));
        const auto connections = number_in_range(alias, settings, "connections", 8, 1000);
        const auto password = settings.secret_source("database-password");
        if(path) {
            if(password) {
                throw Error(Errc::invalid_option,
                            "the backend " + in_quotes(alias.str()) + " has a \"database-password\" but no server",
                            "it is for \"postgresql\"; the passphrase of an SQLite file is \"passphrase\"");
            }
            return std::make_unique<database::SqliteDatabase>(*path, timeout);
        }
        database::PostgresqlSettings postgresql{
            .connection = *server, .connections = connections, .timeout = timeout};
        if(password) {
            postgresql.password = [secrets, source = *password, name = alias.str()] {
                return secrets.read(source, "database password of backend " + in_quotes(name));
            };
        }
        return database::postgresql_database(std::move(postgresql));
    });
}

Argon2Cost configured_cost(const BackendAlias& alias, const OptionValues& settings) {
    const Argon2Cost cost{.memory_kib = settings.number("argon2-memory-kib").value_or(Argon2Cost().memory_kib),
                          .passes = settings.number("argon2-passes").value_or(Argon2Cost().passes)};
    if(!cost.is_enough() || cost.is_too_much()) {
        throw Error(Errc::invalid_option,
                    "\"argon2-memory-kib\" or \"argon2-passes\" of backend " + in_quotes(alias.str()) + " is out of range",
                    "use 8192 to 1048576 KiB and 1 to 100 passes, multiplied at most 4194304")
            .in_backend(alias.str());
    }
    return cost;
}

std::optional<WrappingKeyName> configured_wrapping_key(const BackendAlias& alias, const OptionValues& settings) {
    const auto text = settings.text("wrapping-key");
    if(!text) {
        return std::nullopt;
    }
    auto name = WrappingKeyName::parse(*text);
    require_another_backend(alias, name);
    return name;
}

void require_another_backend(const BackendAlias& alias, const WrappingKeyName& name) {
    if(name.backend() == alias) {
        throw Error(Errc::invalid_option,
                    "the wrapping key of backend " + in_quotes(alias.str()) + " is a key of that backend itself",
                    "name a key of another backend: it has to be there before the database is opened");
    }
}

}  // namespace keyway
