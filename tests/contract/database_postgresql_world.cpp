// SPDX-License-Identifier: BSD-2-Clause
#include <contract/folder_world.hpp>
#include <support/postgresql_server.hpp>

#include <keyway/backends/database/database_backend.hpp>

namespace keyway::contract {

namespace {

class PostgresqlWorld final : public FolderWorld {
public:
    BackendType type() const override { return database_backend(); }
    /// Nothing: Botan has them all.
    std::optional<std::string> lacks(std::string_view, std::string_view) const override { return std::nullopt; }

    RawOptions settings() const override {
        return {{"postgresql", option(database_ + " user=postgres")}, {"passphrase", secret_option()},
                {"argon2-memory-kib", option("8192")}, {"argon2-passes", option("1")}};
    }

    std::vector<std::string> contents() const override {
        test::PostgresqlClient client(database_);
        if(client.answer("select count(*) from pg_tables where schemaname = 'keyway'") == "0") {
            return {};
        }
        return client.rows("select label, spki_sha256, encrypted_private_key from keyway.signing_key order by label");
    }

private:
    std::string database_ = test::PostgresqlServer::get().new_database();
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<PostgresqlWorld>();
}

}  // namespace keyway::contract
