// SPDX-License-Identifier: BSD-2-Clause
#include <contract/world.hpp>

#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/pkcs11/token_admin.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace keyway::contract {

namespace {

class HsmWorld final : public World {
public:
    HsmWorld() {
        const auto wrong = softhsm_.token().directory() / "wrong-pin";
        std::ofstream(wrong) << "0000" << secret();
        std::filesystem::permissions(wrong, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }

    BackendType type() const override { return hsm_backend(); }
    Errc wrong_secret() const override { return Errc::pin_incorrect; }
    std::string secret() const override { return softhsm_.token().user_pin(); }

    /// What SoftHSM 2.6.1 lacks. The mock module of PKCS#11 3.2 has them: tests/backends/hsm/test_hsm_pkcs11_3.cpp.
    std::vector<std::string> lacking_kinds() const override {
        return {"x25519", "x448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87",
                "slh-dsa-sha2-128s", "slh-dsa-sha2-128f", "slh-dsa-sha2-192s", "slh-dsa-sha2-192f",
                "slh-dsa-sha2-256s", "slh-dsa-sha2-256f", "slh-dsa-shake-128s", "slh-dsa-shake-128f",
                "slh-dsa-shake-192s", "slh-dsa-shake-192f", "slh-dsa-shake-256s", "slh-dsa-shake-256f"};
    }

    RawOptions settings() const override { return settings_with_pin(softhsm_.token().user_pin_file()); }
    RawOptions settings_with_wrong_secret() const override {
        return settings_with_pin(softhsm_.token().directory() / "wrong-pin");
    }

    void get_over_wrong_secret() const override {
        pkcs11::log_in_once({softhsm_.token().module_path().string(), {}},
                            {.label = softhsm_.token().label(), .serial = {}, .manufacturer = {}, .model = {}},
                            [&] { return Secret(secret()); });
    }

    /// SoftHSM keeps each object in a file of its own.
    std::vector<std::string> contents() const override {
        std::vector<std::string> objects;
        for(const auto& entry : std::filesystem::recursive_directory_iterator(softhsm_.token().directory())) {
            if(entry.path().extension() == ".object" && entry.path().filename() != "token.object") {
                objects.push_back(entry.path().filename().string());
            }
        }
        std::ranges::sort(objects);
        return objects;
    }

private:
    RawOptions settings_with_pin(const std::filesystem::path& file) const {
        const auto option = [](std::string value) {
            return RawOption{.value = std::move(value), .form = RawOption::Form::text, .origin = {}};
        };
        return {{"module", option(softhsm_.token().module_path().string())},
                {"token-label", option(softhsm_.token().label())},
                {"user-pin", option("file:" + file.string())}};
    }

    mutable softhsm_fixtures::SoftHsmFixture softhsm_;
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<HsmWorld>();
}

}  // namespace keyway::contract
