// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments&) {
    const auto& configuration = session.configuration();
    const auto usual = configuration.settings.default_backend();
    auto types = Json::array();
    std::vector<Row> type_rows;
    for(const auto& type : session.types().types()) {
        types.push_back({{"type", type.name}, {"title", type.title}});
        type_rows.push_back({type.name, type.title});
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
                   table({"TYPE", "WHAT IT IS"}, type_rows) + "\n" +
                       (rows.empty() ? "no backend is configured\n" : table({"ALIAS", "TYPE", ""}, rows)));
}

}  // namespace

Command backend_list_command() {
    return {.noun = "backend",
            .verb = "list",
            .summary = "list the backend types, and the backends in the settings",
            .flags = {},
            .example = "keyway backend list",
            .run = run};
}

}  // namespace keyway::cli
