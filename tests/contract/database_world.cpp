// SPDX-License-Identifier: BSD-2-Clause
#include <contract/folder_world.hpp>
#include <contract/signing_key_rows.hpp>

#include <keyway/backends/database/database_backend.hpp>

namespace keyway::contract {

namespace {

class DatabaseWorld final : public FolderWorld {
public:
    BackendType type() const override { return database_backend(); }
    /// Nothing: Botan has them all.
    std::optional<std::string> lacks(std::string_view, std::string_view) const override { return std::nullopt; }

    RawOptions settings() const override {
        return {{"path", option(file().string())}, {"passphrase", secret_option()},
                {"argon2-memory-kib", option("8192")}, {"argon2-passes", option("1")}};
    }

    std::vector<std::string> contents() const override { return signing_key_rows(file()); }

private:
    std::filesystem::path file() const { return folder() / "keys.sqlite"; }
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<DatabaseWorld>();
}

}  // namespace keyway::contract
