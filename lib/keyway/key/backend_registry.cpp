// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/backend_registry.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <utility>

namespace keyway {

void BackendRegistry::require_free(std::string_view name) const {
    if(knows(name) || std::ranges::find(left_out_, name, &LeftOutBackend::name) != left_out_.end()) {
        throw Error(Errc::already_exists, "a backend type " + in_quotes(name) + " is registered already");
    }
}

void BackendRegistry::add(BackendType type) {
    require_free(type.name);
    types_.push_back(std::move(type));
}

void BackendRegistry::add_left_out(LeftOutBackend type) {
    require_free(type.name);
    left_out_.push_back(std::move(type));
}

bool BackendRegistry::knows(std::string_view type) const noexcept {
    return std::ranges::find(types_, type, &BackendType::name) != types_.end();
}

const BackendType& BackendRegistry::type(std::string_view name) const {
    const auto found = std::ranges::find(types_, name, &BackendType::name);
    if(found == types_.end()) {
        if(const auto left_out = std::ranges::find(left_out_, name, &LeftOutBackend::name); left_out != left_out_.end()) {
            throw Error(Errc::unsupported, "this build of Keyway has no backends of type " + in_quotes(name), left_out->how);
        }
        std::vector<std::string> known;
        for(const auto& type : types_) {
            known.push_back(type.name);
        }
        for(const auto& type : left_out_) {
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
