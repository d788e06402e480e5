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

std::unique_ptr<KeyBackend> BackendRegistry::open(const Settings& settings,
                                                  const BackendAlias& alias,
                                                  const BackendContext& context) const {
    const auto& wanted = settings.backend(alias);
    const auto& found = type(wanted.type);
    const auto subject = "backend " + in_quotes(alias.str()) + " of type " + in_quotes(wanted.type);
    auto values = OptionValues::check(*found.options, Phase::settings, wanted.options, subject)
                      .completed(*found.options, Phase::settings, {});
    return found.open(alias, found.options, std::move(values), context);
}

}  // namespace keyway
