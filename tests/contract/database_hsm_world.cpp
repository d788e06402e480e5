// SPDX-License-Identifier: BSD-2-Clause
// The database backend, with its keys under an RSA key in SoftHSM.
#include <contract/folder_world.hpp>

#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>

#include <botan/pk_keys.h>

#include <softhsm_fixtures/catch2.hpp>
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

class DatabaseHsmWorld final : public FolderWorld {
public:
    DatabaseHsmWorld() {
        BackendRegistry registry;
        registry.add(hsm_backend());
        const BackendAlias alias("hsm");
        Settings settings;
        settings.add(alias, {.type = "hsm",
                             .options = {{"module", option(softhsm_.token().module_path().string())},
                                         {"token-label", option(softhsm_.token().label())},
                                         {"user-pin", option("file:" + softhsm_.token().user_pin_file().string())}}});
        hsm_ = registry.open(settings, alias, {});
        const auto make = [&](const char* label) {
            RawOptions options{{"label", option(label)}, {"usage", option("sign,decrypt")}};
            return hsm_->create(KeySpec::rsa(2048), OptionValues::check(*hsm_backend().options, Phase::create, options, "the world"))
                .ref.to_string();
        };
        wrapping_key_ = make("wrapping");
        another_ = make("another");
    }

    BackendType type() const override { return database_backend(); }
    /// Nothing: Botan has them all.
    std::optional<std::string> lacks(std::string_view, std::string_view) const override { return std::nullopt; }

    BackendContext context() const override {
        BackendContext context;
        context.wrappers = [this](const KeyRef& ref) { return rsa_key_wrapper(hsm_->use(ref, {})); };
        return context;
    }

    RawOptions settings() const override { return with(wrapping_key_); }
    RawOptions settings_with_wrong_secret() const override { return with(another_); }
    Errc wrong_secret() const override { return Errc::key_mismatch; }
    std::string secret() const override { return softhsm_.token().user_pin(); }

    std::vector<std::string> contents() const override {
        std::vector<std::string> rows;
        if(!std::filesystem::exists(file())) {
            return rows;
        }
        sqlite3* database = nullptr;
        const bool read = sqlite3_open(file().c_str(), &database) == SQLITE_OK &&
                          sqlite3_exec(database, "select label, spki_sha256, encrypted_private_key from signing_key order by label",
                                       append_row, &rows, nullptr) == SQLITE_OK;
        sqlite3_close(database);
        if(!read) {
            throw std::runtime_error("cannot read " + file().string());
        }
        return rows;
    }

private:
    [[nodiscard]] std::filesystem::path file() const { return folder() / "keys.db"; }
    [[nodiscard]] RawOptions with(const std::string& wrapping_key) const {
        return {{"path", option(file().string())}, {"wrapping-key", option(wrapping_key)}};
    }

    mutable softhsm_fixtures::SoftHsmFixture softhsm_;
    std::unique_ptr<KeyBackend> hsm_;
    std::string wrapping_key_;
    std::string another_;
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<DatabaseHsmWorld>();
}

}  // namespace keyway::contract
