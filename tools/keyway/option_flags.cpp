// SPDX-License-Identifier: BSD-2-Clause
#include "option_flags.hpp"

#include <keyway/core/error.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace keyway::cli {

namespace {

std::string value_name(OptionType type) {
    switch(type) {
        case OptionType::text:
            return "TEXT";
        case OptionType::path:
            return "PATH";
        case OptionType::number:
            return "N";
        case OptionType::secret_source:
            return "SOURCE";
        case OptionType::flag:
            return "";
    }
    return "";
}

Flag flag_for(const OptionSpec& option, const std::string& name) {
    auto help = option.help;
    if(option.default_value && option.type != OptionType::flag) {
        help += " (default: " + *option.default_value + ")";
    }
    // Known, so that the error can name the right place, but never offered: it cannot be given with a call.
    const bool only_in_settings = option.phases == Phases{Phase::settings};
    return {.name = name,
            .takes = option.type == OptionType::flag ? Takes::nothing : Takes::one,
            .value = only_in_settings ? "SETTING" : value_name(option.type),
            .help = std::move(help),
            .values = option.values};
}

std::set<std::string, std::less<>> taken_names(const Command& command) {
    std::set<std::string, std::less<>> names;
    for(const auto* const flags : {&command.flags, &global_flags()}) {
        for(const auto& flag : *flags) {
            names.insert(flag.name);
        }
    }
    return names;
}

const OptionTable& table_of(const BackendAlias& alias, const BackendRegistry& types,
                            const Settings& settings) {
    return *types.type(settings.backend(alias).type).options;
}

Error usage(std::string message, std::string hint) {
    return {Errc::usage, std::move(message), std::move(hint)};
}

/// The backend that a flag is meant for.
BackendAlias target(const OptionFlag& flag, const std::vector<BackendAlias>& backends,
                    const std::vector<BackendAlias>& by_alias, const BackendRegistry& types, const Settings& settings) {
    const auto name = "--" + flag.flag.name;
    if(flag.alias) {
        const auto is_among = [&](const std::vector<BackendAlias>& all) {
            return std::ranges::find(all, *flag.alias) != all.end();
        };
        if(!is_among(backends) && !is_among(by_alias)) {
            throw usage(name + " is for backend " + in_quotes(flag.alias->str()) +
                            ", which this command does not use",
                        "leave it out, or choose that backend");
        }
        return *flag.alias;
    }
    std::vector<BackendAlias> with_option;
    for(const auto& alias : backends) {
        if(types.knows(settings.backend(alias).type) && table_of(alias, types, settings).find(flag.option) != nullptr) {
            with_option.push_back(alias);
        }
    }
    if(with_option.size() > 1) {
        throw usage(name + " could be for backend " + in_quotes(with_option[0].str()) + " or " +
                        in_quotes(with_option[1].str()),
                    "write --" + with_option[0].str() + "-" + flag.option + " or --" + with_option[1].str() +
                        "-" + flag.option);
    }
    // Where no backend has it, the check against the table of the first one tells so.
    return with_option.empty() ? backends.front() : with_option.front();
}

}  // namespace

std::vector<OptionFlag> option_flags(const Command& command, const BackendRegistry& types,
                                     const Settings& settings) {
    std::vector<OptionFlag> out;
    auto taken = taken_names(command);
    for(const auto& type : types.types()) {
        for(const auto& option : type.options->options()) {
            if(taken.insert(option.name).second) {
                out.push_back({flag_for(option, option.name), option.name, std::nullopt});
            }
        }
    }
    for(const auto& [alias, backend] : settings.backends()) {
        // One of an unknown type has none; what it lacks is told when it is used.
        if(alias.str() == "default" || !types.knows(backend.type)) {
            continue;
        }
        for(const auto& option : types.type(backend.type).options->options()) {
            const auto name = alias.str() + "-" + option.name;
            if(taken.insert(name).second) {
                out.push_back({flag_for(option, name), option.name, alias});
            }
        }
    }
    return out;
}

std::vector<Flag> option_flags_of(const BackendType& type, Phase phase, const Command& command) {
    const auto taken = taken_names(command);
    std::vector<Flag> out;
    for(const auto& option : type.options->options()) {
        if(option.phases.contains(phase) && !taken.contains(option.name)) {
            out.push_back(flag_for(option, option.name));
        }
    }
    return out;
}

std::map<BackendAlias, RawOptions> assign_options(const std::vector<OptionFlag>& flags,
                                                  const Arguments& arguments,
                                                  const std::vector<BackendAlias>& backends,
                                                  const std::vector<BackendAlias>& by_alias,
                                                  const BackendRegistry& types, const Settings& settings) {
    std::map<BackendAlias, RawOptions> out;
    for(const auto& flag : flags) {
        const auto value = arguments.value(flag.flag.name);
        if(!value) {
            continue;
        }
        const auto alias = target(flag, backends, by_alias, types, settings);
        RawOption raw{.value = *value,
                      .form = RawOption::Form::text,
                      .origin = {OptionOrigin::Kind::call, "--" + flag.flag.name}};
        if(!out[alias].emplace(flag.option, std::move(raw)).second) {
            throw usage("the option " + in_quotes(flag.option) + " of backend " + in_quotes(alias.str()) +
                            " is given twice",
                        "give either --" + flag.option + " or --" + alias.str() + "-" + flag.option);
        }
    }
    return out;
}

}  // namespace keyway::cli
