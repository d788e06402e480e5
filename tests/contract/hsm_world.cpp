// SPDX-License-Identifier: BSD-2-Clause
#include <contract/lacks.hpp>
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

    std::optional<std::string> lacks(std::string_view doing, std::string_view name) const override {
        const auto* const lack = find_lack("softhsm2", "2.6", doing, name);
        return lack == nullptr ? std::nullopt : std::optional(std::string(lack->reason));
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
