// SPDX-License-Identifier: BSD-2-Clause
#include <backends/hsm/hsm_store.hpp>

#include <keyway/backends/hsm/hsm_backend.hpp>

#include <fstream>
#include <stdexcept>

namespace keyway::test {

HsmStore::HsmStore(Through through) : module_(softhsm_.token().module_path().string()) {
    if(through == Through::fault_module) {
        fault_ = std::make_unique<softhsm_fixtures::FaultModule>(module_);
        module_ = fault_->path().string();
    }
}

std::unique_ptr<KeyBackend> HsmStore::open(Texts changes, const BackendContext& context) const {
    const auto option = [](std::string_view value) {
        return RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}};
    };
    RawOptions raw{{"module", option(module_)},
                   {"token-label", option(token().label())},
                   {"user-pin", option("file:" + token().user_pin_file().string())}};
    for(const auto& [name, value] : changes) {
        raw.erase(std::string(name));
        if(!value.empty()) {
            raw.emplace(name, option(value));
        }
    }
    BackendRegistry registry;
    registry.add(hsm_backend());
    Settings settings;
    settings.add(BackendAlias("hsm"), {.type = "hsm", .options = raw});
    return registry.open(settings, BackendAlias("hsm"), context);
}

OptionValues HsmStore::options(Phase phase, Texts values) {
    RawOptions raw;
    for(const auto& [name, value] : values) {
        raw.emplace(name, RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}});
    }
    return OptionValues::check(*hsm_backend().options, phase, raw, "the test");
}

CreatedKey HsmStore::create(KeyBackend& backend, std::string_view label, std::string_view kind) {
    return backend.create(KeySpec::parse(kind), options(Phase::create, {{"label", label}}));
}

HsmStore::Direct::Direct(const HsmStore& store)
    : module_(pkcs11::Module::open(store.module())),
      token_(module_, {.label = store.token().label(), .serial = {}, .manufacturer = {}, .model = {}}, {}),
      session_(module_, token_.info().slot, pkcs11::SessionMode::read_write) {
    token_.log_in([&] { return Secret(store.token().user_pin()); });
}

std::vector<CK_OBJECT_HANDLE> HsmStore::Direct::find(CK_OBJECT_CLASS object_class, std::string_view label) const {
    pkcs11::Template wanted;
    wanted.add_number(CKA_CLASS, object_class).add_text(CKA_LABEL, label);
    return pkcs11::find_objects(session_, std::move(wanted));
}

void HsmStore::Direct::set(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, std::string_view value) const {
    pkcs11::Template attributes;
    attributes.add_text(type, value);
    if(session_.calls().C_SetAttributeValue(session_.handle(), object, attributes.data(), attributes.size()) != CKR_OK) {
        throw std::runtime_error("C_SetAttributeValue");
    }
}

std::size_t HsmStore::objects() const {
    std::size_t count = 0;
    for(const auto& entry : std::filesystem::recursive_directory_iterator(token().directory())) {
        count += entry.path().extension() == ".object" && entry.path().filename() != "token.object" ? 1U : 0U;
    }
    return count;
}

std::string HsmStore::wrong_pin_source() const {
    const auto path = token().directory() / "wrong-pin";
    std::ofstream(path) << "00" << token().user_pin();
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return "file:" + path.string();
}

}  // namespace keyway::test
