// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/key/key_filter.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

KeyFilter filter_of(const Arguments& arguments) {
    KeyFilter filter;
    if(const auto type = arguments.value("type")) {
        filter = filter.with_type(*type);
    }
    if(const auto label = arguments.value("label")) {
        filter = filter.with_label(*label);
    }
    return filter;
}

void run(Session& session, const Arguments& arguments) {
    const auto filter = filter_of(arguments);
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    const auto listing = filter.of(list_keys(session.backend(alias), session.options(alias, Phase::use)));
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
                   rows.empty() ? "no keys" + std::string(arguments.has("type") || arguments.has("label") ? " of this kind" : "") +
                                      " in backend " + in_quotes(alias.str()) + "\n"
                                : table({"LABEL", "TYPE", "SPKI SHA-256"}, rows));
}

}  // namespace

Command key_list_command() {
    return {
        .noun = "key",
        .verb = "list",
        .summary = "list the keys of a backend",
        .flags = {backend_flag(),
                  {.name = "type", .value = "TYPE", .help = "only keys of this type; * stands for any text"},
                  {.name = "label", .value = "TEXT", .help = "only keys with this label; * stands for any text"}},
        .backend_phase = Phase::use,
        .details =
            "A key listed as LABEL can be named ALIAS:LABEL. With --json, the references stand there too.",
        .example = "keyway key list --backend hsm --user-pin prompt:",
        .run = run};
}

}  // namespace keyway::cli
