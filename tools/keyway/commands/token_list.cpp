// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "token_output.hpp"

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/uri.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace keyway::cli {

namespace {

std::optional<std::string> module_of(const BackendSettings& backend) {
    if(const auto module = backend.options.find("module"); module != backend.options.end()) {
        return module->second.value;
    }
    if(const auto text = backend.options.find("token-uri"); text != backend.options.end()) {
        const auto uri = pkcs11::Uri::parse(text->second.value);
        return uri.module_path ? uri.module_path : uri.module_name;
    }
    return std::nullopt;
}

/// Those asked for, or those of the backends in the settings, each once.
std::vector<std::string> modules(const Session& session, const Arguments& arguments) {
    auto names = arguments.values("module");
    if(!names.empty()) {
        return names;
    }
    for(const auto& [alias, backend] : session.configuration().settings.backends()) {
        const auto name = backend.type == "hsm" ? module_of(backend) : std::nullopt;
        if(name && std::ranges::find(names, *name) == names.end()) {
            names.push_back(*name);
        }
    }
    if(names.empty()) {
        throw Error(Errc::usage, "there is no module to ask: the settings have no hsm backend",
                    "name one: --module /usr/lib/softhsm/libsofthsm2.so");
    }
    return names;
}

void run(Session& session, const Arguments& arguments) {
    auto json = Json::array();
    std::vector<Row> rows;
    for(const auto& module : modules(session, arguments)) {
        for(const auto& token : pkcs11::list_tokens({module})) {
            json.push_back(json_of(token, module));
            rows.push_back(
                {token.label, token.serial, state_of(token), token.manufacturer, token.model, module});
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
                  "backends in the settings)"}},
        .example = "keyway token list --module /usr/lib/softhsm/libsofthsm2.so",
        .run = run};
}

}  // namespace keyway::cli
