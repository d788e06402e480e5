// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

/// A line about something that the build is without.
std::string lack(const std::string& what, const LeftOutBackend& left_out) {
    return "\nthis build has " + what + "\n  " + left_out.how + "\n";
}

void run(Session& session, const Arguments&) {
    const auto& configuration = session.configuration();
    const auto usual = configuration.settings.default_backend();
    auto types = Json::array();
    std::string lacks;
    std::vector<Row> type_rows;
    for(const auto& type : session.types().types()) {
        auto parts = Json::array();
        for(const auto& part : type.left_out) {
            parts.push_back({{"name", part.name}, {"title", part.title}, {"how", part.how}});
            lacks += lack(type.name + " without " + part.title, part);
        }
        types.push_back({{"type", type.name}, {"title", type.title}, {"in-build", true}, {"how", Json()}, {"left-out", parts}});
        type_rows.push_back({type.name, type.title});
    }
    for(const auto& type : session.types().left_out()) {
        types.push_back({{"type", type.name},
                         {"title", type.title},
                         {"in-build", false},
                         {"how", type.how},
                         {"left-out", Json::array()}});
        type_rows.push_back({type.name, "(not in this build) " + type.title});
        lacks += lack("no " + type.name, type);
    }
    auto backends = Json::array();
    std::vector<Row> rows;
    for(const auto& [alias, backend] : configuration.settings.backends()) {
        const bool is_default = usual && *usual == alias;
        backends.push_back({{"alias", alias.str()}, {"type", backend.type}, {"default", is_default}});
        rows.push_back({alias.str(), backend.type, is_default ? "default" : ""});
    }
    const Json file = configuration.file ? Json(configuration.file->string()) : Json();
    session.report({{"types", types}, {"backends", backends}, {"settings", file}},
                   table({"TYPE", "WHAT IT IS"}, type_rows) + lacks + "\n" +
                       (rows.empty() ? "no backend is configured\n" : table({"ALIAS", "TYPE", ""}, rows)));
}

}  // namespace

Command backend_list_command() {
    return {.noun = "backend",
            .verb = "list",
            .summary = "list the backend types, and the backends in the settings",
            .flags = {},
            .details = "A type that this build of keyway is without is listed, too, with how to get it.",
            .example = "keyway backend list",
            .run = run};
}

}  // namespace keyway::cli
