// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments&) {
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    const auto listing = list_keys(session.backend(alias), session.options(alias, Phase::use));
    auto keys = Json::array();
    auto faults = Json::array();
    std::vector<Row> rows;
    for(const auto& key : listing.keys) {
        keys.push_back(json_of(key));
        rows.push_back({key.label, key.ref.key().to_string(), key.ref.fingerprint().to_string()});
    }
    for(const auto& fault : listing.faults) {
        faults.push_back(json_of(fault));
        if(!session.json()) {
            print_error("keyway: warning: " + visible(fault.message()) + "\n");
        }
    }
    session.report(Json{{"backend", alias.str()}, {"keys", keys}, {"faults", faults}},
                   rows.empty() ? "no keys in backend " + in_quotes(alias.str()) + "\n"
                                : table({"LABEL", "TYPE", "SPKI SHA-256"}, rows));
}

}  // namespace

Command key_list_command() {
    return {
        .noun = "key",
        .verb = "list",
        .summary = "list the keys of a backend",
        .flags = {backend_flag()},
        .backend_phase = Phase::use,
        .details =
            "A key listed as LABEL can be named ALIAS:LABEL. With --json, the references stand there too.",
        .example = "keyway key list --backend hsm --user-pin prompt:",
        .run = run};
}

}  // namespace keyway::cli
