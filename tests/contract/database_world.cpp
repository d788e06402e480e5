// SPDX-License-Identifier: BSD-2-Clause
#include <contract/folder_world.hpp>
#include <support/process.hpp>

#include <keyway/backends/database/database_backend.hpp>

#include <sqlite3.h>

#include <stdexcept>

namespace keyway::contract {

namespace {

int append_row(void* rows, int columns, char** values, char**) {
    std::string row;
    for(int i = 0; i < columns; ++i) {
        row += std::string(values[i] == nullptr ? "" : values[i]) + "|";
    }
    static_cast<std::vector<std::string>*>(rows)->push_back(row);
    return 0;
}

class DatabaseWorld final : public FolderWorld {
public:
    BackendType type() const override { return database_backend(); }
    /// Nothing: Botan has them all.
    std::optional<std::string> lacks(std::string_view, std::string_view) const override { return std::nullopt; }

    RawOptions settings() const override {
        return {{"path", option(file().string())}, {"passphrase", secret_option()},
                {"argon2-memory-kib", option("8192")}, {"argon2-passes", option("1")}};
    }

    std::vector<std::string> contents() const override {
        std::vector<std::string> rows;
        if(!std::filesystem::exists(file())) {
            return rows;
        }
        sqlite3* database = nullptr;
        char* message = nullptr;
        const bool read = sqlite3_open(file().c_str(), &database) == SQLITE_OK &&
                          sqlite3_exec(database, "select name from sqlite_master where name = 'signing_key'",
                                       append_row, &rows, &message) == SQLITE_OK &&
                          (rows.empty() ||
                           sqlite3_exec(database,
                                        "select label, spki_sha256, encrypted_private_key from signing_key order by label",
                                        append_row, &rows, &message) == SQLITE_OK);
        std::erase(rows, "signing_key|");  // the empty table is made with the store
        const std::string why = message == nullptr ? "" : message;
        sqlite3_free(message);
        sqlite3_close(database);
        if(!read) {
            throw std::runtime_error("cannot look into the database: " + why);
        }
        return rows;
    }

private:
    std::filesystem::path file() const { return folder() / "keys.sqlite"; }
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<DatabaseWorld>();
}

}  // namespace keyway::contract
