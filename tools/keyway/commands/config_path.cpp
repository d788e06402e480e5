// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

std::string_view name_of(SettingsPlace::State state) {
    switch(state) {
        case SettingsPlace::State::used:
            return "used";
        case SettingsPlace::State::missing:
            return "not there";
        case SettingsPlace::State::not_looked_at:
            return "not looked at";
    }
    return "";
}

void run(Session& session, const Arguments&) {
    const auto& configuration = session.configuration();
    auto places = Json::array();
    std::vector<Row> rows;
    for(const auto& place : configuration.places) {
        const std::string state(name_of(place.state));
        places.push_back({{"from", place.from}, {"path", place.path.string()}, {"state", state}});
        rows.push_back({place.path.string(), place.from, state});
    }
    const Json file = configuration.file ? Json(configuration.file->string()) : Json();
    session.report({{"settings", file}, {"places", places}}, table({"FILE", "FROM", "STATE"}, rows));
}

}  // namespace

Command config_path_command() {
    return {.noun = "config",
            .verb = "path",
            .summary = "show where settings are looked for, and which file is used",
            .details = "The first file that is there is used, whole; the others are not looked at.",
            .example = "keyway config path",
            .run = run};
}

}  // namespace keyway::cli
