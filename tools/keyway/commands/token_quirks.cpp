// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "quirks_output.hpp"
#include "token_place.hpp"

#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <keyway/pkcs11/token_admin.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace keyway::cli {

namespace {

void list_profiles(const Session& session) {
    auto json = Json::array();
    std::vector<Row> rows;
    for(const auto& profile : pkcs11::known_quirks()) {
        json.push_back(json_of(profile));
        rows.push_back({profile.name, std::to_string(profile.lines.size()), profile.summary});
    }
    session.report({{"profiles", json}}, table({"NAME", "QUIRKS", "TOKENS"}, rows));
}

void list_tokens(const Session& session, const pkcs11::ModuleName& module) {
    const auto info = pkcs11::module_info(module);
    auto json = Json::array();
    std::vector<Row> rows;
    for(const auto& token : pkcs11::list_tokens(module)) {
        const auto* const profile = pkcs11::find_quirks(token, info);
        json.push_back({{"label", token.label},
                        {"serial", token.serial},
                        {"manufacturer", token.manufacturer},
                        {"model", token.model},
                        {"profile", profile == nullptr ? Json() : Json(profile->name)}});
        rows.push_back({token.label, token.serial, token.manufacturer, token.model,
                        profile == nullptr ? "none" : profile->name});
    }
    session.report({{"module",
                     {{"file", info.file},
                      {"manufacturer", info.manufacturer},
                      {"description", info.description},
                      {"version", info.version}}},
                    {"tokens", json}},
                   rows.empty() ? "no tokens\n" : table({"LABEL", "SERIAL", "MANUFACTURER", "MODEL", "PROFILE"}, rows));
}

/// Of the hints of the setting quirks, those that are no profiles are of no use here.
pkcs11::QuirkProfile profile_of(const std::string& wanted) {
    std::vector<std::string> names;
    for(const auto& profile : pkcs11::known_quirks()) {
        names.push_back(profile.name);
    }
    const bool is_path = wanted.find('/') != std::string::npos || wanted.ends_with(".json");
    if(!is_path && std::ranges::find(names, wanted) == names.end()) {
        throw Error(Errc::invalid_option, "there is no quirk profile " + in_quotes(wanted),
                    name_hint(wanted, names) + "; a file's path has a slash in it, or ends in .json");
    }
    return pkcs11::load_quirks(wanted, {}, {});
}

void run(Session& session, const Arguments& arguments) {
    const auto module = named_module(arguments);
    const auto& wanted = arguments.positional();
    if(module && wanted) {
        throw Error(Errc::usage, "either a profile is shown, or those of a module's tokens", "keep one of the two");
    }
    if(module) {
        list_tokens(session, *module);
    } else if(!wanted) {
        list_profiles(session);
    } else if(*wanted == "auto" || *wanted == "none") {
        throw Error(Errc::usage, in_quotes(*wanted) + " is a value of the setting quirks, and no profile",
                    "which profile a token gets, --module tells");
    } else {
        const auto profile = profile_of(*wanted);
        session.report(json_of(profile), text_of(profile));
    }
}

}  // namespace

Command token_quirks_command() {
    return {.noun = "token",
            .verb = "quirks",
            .summary = "show what tokens do otherwise than the standard says",
            .flags = {{.name = "module",
                       .value = "PATH",
                       .help = "tell which profile each token of this module gets"},
                      init_args_flag()},
            .positional = Positional{.name = "PROFILE",
                                     .help = "the name of a profile, or the path of a file that holds one; it is checked",
                                     .required = false},
            .details = "Each quirk of a profile has a reason and a source. A backend of type hsm takes the profile that fits "
                       "its token, or the one that its setting quirks names.",
            .example = "keyway token quirks yubihsm2",
            .run = run};
}

}  // namespace keyway::cli
