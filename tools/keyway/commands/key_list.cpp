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

std::string nothing_listed(const BackendAlias& alias, std::size_t keys) {
    const auto in_backend = " in backend " + in_quotes(alias.str()) + "\n";
    return keys == 0 ? "no keys" + in_backend
                     : "no key that fits --type and --label; there " + (keys == 1 ? "is 1" : "are " + std::to_string(keys)) + in_backend;
}

/// The ids stand there where the backend has some.
std::string key_table(std::vector<Row> rows, bool has_ids) {
    Row headings{"LABEL", "TYPE", "ID", "SPKI SHA-256"};
    if(!has_ids) {
        headings.erase(headings.begin() + 2);
        for(auto& row : rows) {
            row.erase(row.begin() + 2);
        }
    }
    return table(headings, rows);
}

void run(Session& session, const Arguments& arguments) {
    const auto filter = filter_of(arguments);
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    const auto all = list_keys(session.backend(alias), session.options(alias, Phase::use));
    const auto listing = filter.of(all);
    auto keys = Json::array();
    auto faults = Json::array();
    std::vector<Row> rows;
    bool has_ids = false;
    for(const auto& key : listing.keys) {
        keys.push_back(json_of(key));
        const auto id = key.ref.locator().find("id");
        has_ids = has_ids || id;
        rows.push_back({key.label, key.ref.key().to_string(), id.value_or(""), key.ref.fingerprint().to_string()});
    }
    for(const auto& fault : listing.faults) {
        faults.push_back(json_of(fault));
        if(!session.json()) {
            print_error("keyway: warning: " + visible(fault.message()) + "\n");
        }
    }
    session.report(Json{{"backend", alias.str()}, {"keys", keys}, {"faults", faults}},
                   rows.empty() ? nothing_listed(alias, all.keys.size()) : key_table(std::move(rows), has_ids));
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
