// SPDX-License-Identifier: BSD-2-Clause
#include <contract/world.hpp>

namespace keyway::contract {

std::unique_ptr<KeyBackend> World::open_with(const RawOptions& settings) const {
    BackendRegistry registry;
    registry.add(type());
    Settings all;
    const BackendAlias alias("tested");
    all.add(alias, {.type = type().name, .options = settings});
    return registry.open(all, alias, context());
}

std::optional<std::string> World::lacks(std::string_view doing, std::string_view name) const {
    if(doing == "sign" || open()->capabilities().offers(KeySpec::parse(name))) {
        return std::nullopt;
    }
    return "its capabilities do not have it";
}

OptionValues World::options(Phase phase,
                            std::initializer_list<std::pair<std::string_view, std::string_view>> values) const {
    RawOptions raw;
    for(const auto& [name, value] : values) {
        raw.emplace(name, RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}});
    }
    return OptionValues::check(*type().options, phase, raw, "the contract");
}

}  // namespace keyway::contract
