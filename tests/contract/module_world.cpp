// SPDX-License-Identifier: BSD-2-Clause
// The hsm backend on a module other than SoftHSM: KEYWAY_CONTRACT_MODULE names it.
#include <contract/lacks.hpp>
#include <contract/world.hpp>

#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/pkcs11/object_internal.hpp>
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <keyway/pkcs11/session_internal.hpp>
#include <keyway/pkcs11/token_admin.hpp>

#include <softhsm_fixtures/catch2_modules.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace keyway::contract {

namespace {

namespace fs = std::filesystem;

const softhsm_fixtures::ModuleInfo& tested_module() {
    const char* const name = std::getenv("KEYWAY_CONTRACT_MODULE");
    if(name == nullptr) {
        throw std::runtime_error("KEYWAY_CONTRACT_MODULE does not name a module");
    }
    // The TPM's library prints each error, one that is provoked as well.
    ::setenv("TSS2_LOG", "all+none", 0);
    return softhsm_fixtures::require_module(name);
}

class ModuleWorld final : public World {
public:
    ModuleWorld() : fixture_(tested_module()) {
        write("user-pin", secret());
        write("wrong-pin", "0000");
    }

    BackendType type() const override { return hsm_backend(); }
    Errc wrong_secret() const override { return Errc::pin_incorrect; }
    std::string secret() const override { return token().details().user_pin; }

    RawOptions settings() const override { return settings_with_pin("user-pin"); }
    RawOptions settings_with_wrong_secret() const override { return settings_with_pin("wrong-pin"); }

    void get_over_wrong_secret() const override {
        pkcs11::log_in_once({token().module_path().string(), token().init_arguments()},
                            {.label = token().details().label, .serial = {}, .manufacturer = {}, .model = {}},
                            [&] { return Secret(secret()); });
    }

    /// Class, label and id of each object, read past the backend.
    std::vector<std::string> contents() const override {
        const auto module = pkcs11::Module::open(token().module_path().string(), token().init_arguments());
        const auto tokens = module->tokens();
        const auto found = std::ranges::find(tokens, token().details().label, &pkcs11::TokenInfo::label);
        if(found == tokens.end()) {
            throw std::runtime_error("the token is gone");
        }
        pkcs11::OwnSession own(module, found->slot, pkcs11::SessionMode::read_only);
        const auto& session = *own;
        auto pin = secret();
        auto* const bytes = static_cast<CK_UTF8CHAR*>(static_cast<void*>(pin.data()));
        const auto login = session.calls().C_Login(session.handle(), CKU_USER, bytes, pin.size());
        if(login != CKR_OK && login != CKR_USER_ALREADY_LOGGED_IN) {
            throw std::runtime_error("cannot log in past the backend: " + std::to_string(login));
        }
        std::vector<std::string> objects;
        for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE, CKO_DATA}) {
            pkcs11::Template wanted;
            wanted.add_number(CKA_CLASS, object_class).add_yes(CKA_TOKEN);
            for(const auto object : pkcs11::find_objects(session, std::move(wanted))) {
                auto text = std::to_string(object_class);
                for(const auto type : {CKA_LABEL, CKA_ID}) {
                    const auto value = pkcs11::read_attribute(session, object, type).value_or(std::vector<std::uint8_t>{});
                    text += "|" + std::string(value.begin(), value.end());
                }
                objects.push_back(std::move(text));
            }
        }
        if(login == CKR_OK) {
            session.calls().C_Logout(session.handle());
        }
        std::ranges::sort(objects);
        return objects;
    }

    std::optional<std::string> lacks(std::string_view doing, std::string_view name) const override {
        const auto* const lack = find_lack(token().module().name(), version_, doing, name);
        return lack == nullptr ? std::nullopt : std::optional(std::string(lack->reason));
    }

    std::string lacks_unknown() const override {
        const auto& all = measured_modules();
        const auto found = std::ranges::find(all, token().module().name(), &MeasuredModule::module);
        if(found != all.end() && std::ranges::find(found->versions, version_) != found->versions.end()) {
            return {};
        }
        return token().module().name() + " " + version_ + " is not in tests/contract/lacks.cpp yet";
    }

private:
    softhsm_fixtures::TestToken& token() const { return fixture_.token(); }

    void write(const char* name, const std::string& content) const {
        const auto path = token().directory() / name;
        std::ofstream(path) << content;
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    }

    RawOptions settings_with_pin(const char* file) const {
        const auto option = [](std::string value) {
            return RawOption{.value = std::move(value), .form = RawOption::Form::text, .origin = {}};
        };
        RawOptions all{{"module", option(token().module_path().string())},
                       {"token-label", option(token().details().label)},
                       {"user-pin", option("file:" + (token().directory() / file).string())}};
        if(!token().init_arguments().empty()) {
            all.emplace("init-args", option(token().init_arguments()));
        }
        return all;
    }

    mutable softhsm_fixtures::TestTokenFixture fixture_;
    std::string version_ = [&] {
        const auto info = pkcs11::module_info({token().module_path().string(), token().init_arguments()});
        return info.version;
    }();
};

}  // namespace

std::unique_ptr<World> make_world() {
    return std::make_unique<ModuleWorld>();
}

}  // namespace keyway::contract
