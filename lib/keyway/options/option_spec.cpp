// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/options/option_spec.hpp>
#include <keyway/options/option_values.hpp>

#include <algorithm>

namespace keyway {

std::string_view to_string(Phase phase) noexcept {
    switch(phase) {
        case Phase::settings:
            return "settings";
        case Phase::create:
            return "create";
        case Phase::store:
            return "store";
        case Phase::use:
            return "use";
        case Phase::adopt:
            return "adopt";
    }
    return "";
}

std::string_view to_string(OptionType type) noexcept {
    switch(type) {
        case OptionType::text:
            return "text";
        case OptionType::path:
            return "path";
        case OptionType::number:
            return "number";
        case OptionType::flag:
            return "flag";
        case OptionType::secret_source:
            return "secret-source";
    }
    return "";
}

OptionTable::OptionTable(std::initializer_list<OptionSpec> options) : options_(options) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    for(const auto& option : options_) {
        const auto same_name = [&](const OptionSpec& other) { return other.name == option.name; };
        if(option.name.empty() || !std::ranges::all_of(option.name, allowed) ||
           std::ranges::count_if(options_, same_name) != 1) {
            throw Error(Errc::internal, "the option table has a bad or double name " + in_quotes(option.name));
        }
        if(option.default_value) {
            OptionValues().set(option, {.value = *option.default_value, .form = RawOption::Form::text, .origin = {}});
        }
    }
}

const OptionSpec* OptionTable::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(options_, name, &OptionSpec::name);
    return found == options_.end() ? nullptr : &*found;
}

}  // namespace keyway
