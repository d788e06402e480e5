// SPDX-License-Identifier: BSD-2-Clause
// The database backend, with its keys under an RSA key in SoftHSM, or an AES key.
#include <contract/folder_world.hpp>
#include <contract/signing_key_rows.hpp>

#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/wrapping_key_store.hpp>

#include <botan/pk_keys.h>

#include <softhsm_fixtures/catch2.hpp>

#include <cstdlib>

namespace keyway::contract {

namespace {

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
            if(is_aes()) {
                dynamic_cast<WrappingKeyStore&>(*hsm_).create_wrapping_key(label, {});
                return WrappingKeyName(alias, label).to_string();
            }
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
        context.wrappers = [this](const WrappingKeyName& name) {
            return is_aes() ? dynamic_cast<const WrappingKeyStore&>(*hsm_).open_wrapping_key(name.label(), {})
                            : rsa_key_wrapper(hsm_->use(name.ref().value(), {}));
        };
        return context;
    }

    RawOptions settings() const override { return with(wrapping_key_); }
    RawOptions settings_with_wrong_secret() const override { return with(another_); }
    Errc wrong_secret() const override { return Errc::key_mismatch; }
    std::string secret() const override { return softhsm_.token().user_pin(); }

    std::vector<std::string> contents() const override { return signing_key_rows(file()); }

private:
    static bool is_aes() { return std::getenv("KEYWAY_CONTRACT_WRAPPING_BY_AES") != nullptr; }
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
