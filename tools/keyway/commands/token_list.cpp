// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "token_output.hpp"
#include "token_place.hpp"

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_admin.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace keyway::cli {

namespace {

/// Those asked for, or those of the backends in the settings, each once.
std::vector<pkcs11::ModuleName> modules(const Session& session, const Arguments& arguments) {
    std::vector<pkcs11::ModuleName> all;
    const auto given = arguments.values("module");
    const auto init_args = arguments.value("init-args");
    if(init_args && given.size() != 1) {
        throw Error(Errc::usage, "--init-args is for one module", "give one --module with it");
    }
    for(const auto& name : given) {
        all.push_back({name, init_args.value_or("")});
    }
    if(!all.empty()) {
        return all;
    }
    for(const auto& [alias, backend] : session.configuration().settings.backends()) {
        const auto module = backend.type == "hsm" ? module_of(backend) : std::nullopt;
        const auto same = [&](const pkcs11::ModuleName& other) {
            return other.value == module->value && other.init_args == module->init_args;
        };
        if(module && std::ranges::none_of(all, same)) {
            all.push_back(*module);
        }
    }
    if(all.empty()) {
        throw Error(Errc::usage, "there is no module to ask: the settings have no hsm backend",
                    "name one: --module /usr/lib/softhsm/libsofthsm2.so");
    }
    return all;
}

void run(Session& session, const Arguments& arguments) {
    auto json = Json::array();
    std::vector<Row> rows;
    for(const auto& module : modules(session, arguments)) {
        for(const auto& token : pkcs11::list_tokens(module)) {
            json.push_back(json_of(token, module.value));
            rows.push_back(
                {token.label, token.serial, state_of(token), token.manufacturer, token.model, module.value});
        }
    }
    session.report({{"tokens", json}},
                   rows.empty()
                       ? "no tokens\n"
                       : table({"LABEL", "SERIAL", "STATE", "MANUFACTURER", "MODEL", "MODULE"}, rows));
}

}  // namespace

Command token_list_command() {
    return {
        .noun = "token",
        .verb = "list",
        .summary = "list the tokens that PKCS#11 modules show",
        .flags =
            {{.name = "module",
              .takes = Takes::many,
              .value = "PATH",
              .help =
                  "the module's library, or its name in p11-kit's configuration (default: those of the hsm "
                  "backends in the settings)"},
             init_args_flag()},
        .example = "keyway token list --module /usr/lib/softhsm/libsofthsm2.so",
        .run = run};
}

}  // namespace keyway::cli
