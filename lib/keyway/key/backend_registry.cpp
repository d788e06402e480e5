// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/backend_registry.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <utility>

namespace keyway {

void BackendRegistry::add(BackendType type) {
    if(std::ranges::find(types_, type.name, &BackendType::name) != types_.end()) {
        throw Error(Errc::already_exists, "a backend type " + in_quotes(type.name) + " is registered already");
    }
    types_.push_back(std::move(type));
}

bool BackendRegistry::knows(std::string_view type) const noexcept {
    return std::ranges::find(types_, type, &BackendType::name) != types_.end();
}

const BackendType& BackendRegistry::type(std::string_view name) const {
    const auto found = std::ranges::find(types_, name, &BackendType::name);
    if(found == types_.end()) {
        std::vector<std::string> known;
        for(const auto& type : types_) {
            known.push_back(type.name);
        }
        throw Error(Errc::backend_not_found, "there is no backend type " + in_quotes(name), name_hint(name, known));
    }
    return *found;
}

namespace {

std::string subject_of(const BackendAlias& alias, const std::string& type) {
    return "backend " + in_quotes(alias.str()) + " of type " + in_quotes(type);
}

}  // namespace

std::vector<Error> BackendRegistry::faults(const Settings& settings, const BackendAlias& alias) const {
    const auto& wanted = settings.backend(alias);
    std::vector<Error> out;
    try {
        const auto& found = type(wanted.type);
        for(const auto& fault :
            OptionValues::faults(*found.options, Phase::settings, wanted.options, subject_of(alias, wanted.type))) {
            out.push_back(fault.in_backend(alias.str()));
        }
    } catch(const Error& error) {
        out.push_back(error.in_backend(alias.str()));
    }
    return out;
}

std::unique_ptr<KeyBackend> BackendRegistry::open(const Settings& settings,
                                                  const BackendAlias& alias,
                                                  const BackendContext& context) const {
    const auto& wanted = settings.backend(alias);
    const auto& found = type(wanted.type);
    auto values = OptionValues::check(*found.options, Phase::settings, wanted.options, subject_of(alias, wanted.type))
                      .completed(*found.options, Phase::settings, {});
    return found.open(alias, found.options, std::move(values), context);
}

}  // namespace keyway
