// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/keyring/keyring.hpp>

#include <botan/pk_keys.h>

#include <utility>

namespace keyway {

BackendRegistry standard_backends() {
    BackendRegistry registry;
    registry.add(hsm_backend());
    registry.add(file_backend());
    registry.add(database_backend());
    return registry;
}

Keyring::Keyring(Settings settings, BackendContext context, BackendRegistry backends)
    : settings_(std::move(settings)), context_(std::move(context)), backends_(std::move(backends)) {
    if(!context_.wrappers) {
        context_.wrappers = [this](const KeyRef& ref) {
            // Two that need each other would look for each other for ever.
            if(settings_.backend(ref.backend()).options.contains("wrapping-key")) {
                throw Error(Errc::invalid_option,
                            "the wrapping key is in the backend " + in_quotes(ref.backend().str()) +
                                ", whose keys are under a wrapping key themselves",
                            "name a key in an HSM or a file");
            }
            return rsa_key_wrapper(use(ref));
        };
    }
}

Keyring::~Keyring() = default;

KeyBackend& Keyring::backend(const BackendAlias& alias) {
    const std::lock_guard lock(mutex_);
    auto found = open_.find(alias);
    if(found == open_.end()) {
        found = open_.emplace(alias, backends_.open(settings_, alias, context_)).first;
    }
    return *found->second;
}

KeyBackend& Keyring::default_backend() {
    const auto alias = settings_.default_backend();
    if(!alias) {
        throw Error(Errc::backend_not_found,
                    settings_.backends().empty() ? "the settings name no backend" : "the settings name no default backend",
                    "add one under \"backends\", or name it in \"default-backend\"");
    }
    return backend(*alias);
}

OptionValues Keyring::options(const BackendAlias& alias,
                              Phase phase,
                              std::initializer_list<std::pair<std::string_view, std::string_view>> values) const {
    RawOptions raw;
    for(const auto& [name, value] : values) {
        raw.emplace(name, RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}});
    }
    const auto& type = backends_.type(settings_.backend(alias).type);
    return OptionValues::check(*type.options, phase, raw, "backend " + in_quotes(alias.str()));
}

namespace {

std::vector<OpenedKey> use_each(const KeyBackend& backend, std::span<const KeyRef> refs, const OptionValues& options) {
    if(const auto* const opener = dynamic_cast<const KeyBulkOpener*>(&backend)) {
        return opener->use_all(refs, options);
    }
    std::vector<OpenedKey> out;
    for(const auto& ref : refs) {
        try {
            out.emplace_back(backend.use(ref, options));
        } catch(const Error& error) {
            out.emplace_back(error);
        }
    }
    return out;
}

}  // namespace

std::vector<OpenedKey> Keyring::use_all(std::span<const KeyRef> refs, const OptionValues& options) {
    std::map<BackendAlias, std::vector<std::size_t>> places;
    for(std::size_t i = 0; i < refs.size(); ++i) {
        places[refs[i].backend()].push_back(i);
    }
    std::vector<OpenedKey> out(refs.size());
    for(const auto& [alias, at] : places) {
        std::vector<KeyRef> own;
        own.reserve(at.size());
        for(const auto place : at) {
            own.push_back(refs[place]);
        }
        try {
            auto opened = use_each(backend(alias), own, options);
            for(std::size_t i = 0; i < at.size(); ++i) {
                out[at[i]] = std::move(opened.at(i));
            }
        } catch(const Error& error) {
            for(const auto place : at) {
                out[place] = error;
            }
        }
    }
    return out;
}

std::unique_ptr<Botan::Private_Key> Keyring::use(const KeyRef& ref, const OptionValues& options) {
    return backend(ref.backend()).use(ref, options);
}

}  // namespace keyway
