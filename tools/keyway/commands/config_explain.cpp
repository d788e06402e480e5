// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <regex>

namespace keyway::cli {

namespace {

constexpr std::array all_phases{Phase::settings, Phase::create, Phase::store, Phase::adopt, Phase::use};

std::string_view name_of(OptionOrigin::Kind kind) {
    switch(kind) {
        case OptionOrigin::Kind::call:
            return "call";
        case OptionOrigin::Kind::settings:
            return "settings";
        case OptionOrigin::Kind::default_value:
            return "default";
    }
    return "";
}

/// Where a secret stands in a value that must not hold one, as `keyway config check` says, it is not shown either.
/// @spec RFC 7512 2.3: pin-value; libpq: password=, and USER:PASSWORD@ in a URI
std::string without_secrets(const std::string& text) {
    static const std::regex secrets(R"(((pin-value|password)\s*=\s*)('(\\.|[^'])*'?|[^\s&;?]*)|(://[^/@:\s]*:)[^/@]*(?=@))",
                                    std::regex::icase);
    return std::regex_replace(text, secrets, "$1$5********");
}

std::string text_of(const OptionValues::Value& value) {
    struct Visitor {
        std::string operator()(const std::string& text) const { return without_secrets(text); }
        std::string operator()(const std::filesystem::path& path) const { return path.string(); }
        std::string operator()(std::uint64_t number) const { return std::to_string(number); }
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(const SecretSource& source) const { return source.to_string(); }
    };
    return std::visit(Visitor{}, value);
}

/// What one backend is given, as far as it is well: the call's options, which belong to any phase, before the settings.
struct Given {
    OptionValues values;
    std::vector<Error> faults;
};

void take(Given& given, const OptionTable& table, Phase phase, const RawOptions& raw, const std::string& subject) {
    for(const auto& [name, option] : raw) {
        const RawOptions one{{name, option}};
        if(auto faults = OptionValues::faults(table, phase, one, subject); !faults.empty()) {
            given.faults.push_back(std::move(faults.front()));
        } else {
            given.values.set(*table.find(name), option);
        }
    }
}

/// The phase that a call's option is checked for: one that it belongs to. The settings are not a call's.
Phase phase_of_call(const OptionTable& table, const std::string& name) {
    const auto* const option = table.find(name);
    for(const auto phase : {Phase::create, Phase::store, Phase::adopt}) {
        if(option != nullptr && option->phases.contains(phase)) {
            return phase;
        }
    }
    return Phase::use;
}

Given given_to(const Session& session, const BackendAlias& alias, const BackendType& type) {
    const auto subject = "backend " + in_quotes(alias.str());
    Given given;
    take(given, *type.options, Phase::settings, session.configuration().settings.backend(alias).options, subject);
    for(const auto& [name, option] : session.given_options(alias)) {
        take(given, *type.options, phase_of_call(*type.options, name), {{name, option}}, subject);
    }
    return given;
}

std::vector<std::string> places_of(const OptionSpec& option) {
    std::vector<std::string> places;
    for(const auto phase : all_phases) {
        if(option.phases.contains(phase)) {
            places.emplace_back(to_string(phase));
        }
    }
    return places;
}

std::string origin_text(const OptionOrigin& origin) {
    const std::string kind(name_of(origin.kind));
    return origin.place.empty() ? kind : kind + ", " + origin.place;
}

/// One backend: its options with their values and origins, then what is wrong.
void explain(const Session& session, const BackendAlias& alias, Json& json, std::string& text) {
    const auto& type_name = session.configuration().settings.backend(alias).type;
    auto options = Json::array();
    auto faults = Json::array();
    std::vector<Row> rows;
    std::string fault_text;
    const auto tell = [&](const Error& fault) {
        faults.push_back(json_of(fault.in_backend(alias.str())));
        fault_text += "\n" + visible(fault.message()) + "\n" +
                      (fault.hint().empty() ? "" : "  " + visible(fault.hint()) + "\n");
    };
    try {
        const auto& type = session.types().type(type_name);
        const auto given = given_to(session, alias, type);
        for(const auto& option : type.options->options()) {
            OptionValues values = given.values;
            if(!values.has(option.name) && option.default_value) {
                values.set(option, {.value = *option.default_value,
                                    .form = RawOption::Form::text,
                                    .origin = {OptionOrigin::Kind::default_value, {}}});
            }
            const auto* const entry = values.find(option.name);
            const bool is_secret = option.type == OptionType::secret_source;
            Json origin;
            if(entry != nullptr) {
                origin = {{"kind", std::string(name_of(entry->origin.kind))},
                          {"place", entry->origin.place.empty() ? Json() : Json(entry->origin.place)}};
            }
            options.push_back({{"name", option.name},
                               {"value", entry == nullptr ? Json() : Json(text_of(entry->value))},
                               {"secret-source", is_secret},
                               {"origin", std::move(origin)},
                               {"in", places_of(option)}});
            rows.push_back({option.name, entry == nullptr ? "-" : text_of(entry->value),
                            entry == nullptr ? "not given" : (is_secret ? "secret source; " : "") + origin_text(entry->origin)});
        }
        for(const auto& fault : given.faults) {
            tell(fault);
        }
    } catch(const Error& error) {
        tell(error);
    }
    json.push_back({{"alias", alias.str()}, {"type", type_name}, {"options", std::move(options)}, {"faults", std::move(faults)}});
    text += (text.empty() ? "" : "\n") + styled(alias.str(), Style::bold, 1) + " of type " + visible(type_name) + "\n" +
            (rows.empty() ? "" : table({"OPTION", "VALUE", "FROM"}, rows)) + fault_text;
}

void run(Session& session, const Arguments& arguments) {
    const auto& configuration = session.configuration();
    std::vector<BackendAlias> aliases;
    if(arguments.has("backend")) {
        aliases.push_back(session.chosen_backend());
    } else {
        for(const auto& [alias, backend] : configuration.settings.backends()) {
            aliases.push_back(alias);
        }
    }
    if(aliases.empty()) {
        throw Error(Errc::backend_not_found, "there are no backends to explain",
                    configuration.file ? "add one; `keyway backend show TYPE` tells what it needs"
                                       : std::string(no_settings_hint));
    }
    session.work_with(aliases);
    auto backends = Json::array();
    std::string text;
    for(const auto& alias : aliases) {
        explain(session, alias, backends, text);
    }
    const auto& audit = configuration.settings.audit();
    if(audit) {
        text += "\nuses of keys are recorded in " + visible(audit->string()) + "\n";
    }
    session.report({{"settings", configuration.file ? Json(configuration.file->string()) : Json()},
                    {"audit", audit ? Json(audit->string()) : Json()},
                    {"backends", backends}},
                   text);
}

}  // namespace

Command config_explain_command() {
    return {.noun = "config",
            .verb = "explain",
            .summary = "show each option of the backends, its value, and where that comes from",
            .flags = {{.name = "backend", .value = "ALIAS", .help = "only this backend"}},
            .backend_phase = Phase::use,
            .details = "A value comes from the call, which goes before the settings, which go before the default. Also takes the "
                       "flags of key create, key store and key adopt. Of a secret, its source is shown; nothing is opened. "
                       "Options that are unknown, misplaced or malformed are told below, without their values.",
            .example = "keyway config explain --backend hsm",
            .run = run};
}

}  // namespace keyway::cli
