// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace keyway::cli {

namespace {

std::vector<std::string> phases_of(const OptionSpec& option) {
    std::vector<std::string> names;
    for(const auto phase : std::array{Phase::settings, Phase::create, Phase::store, Phase::adopt, Phase::use}) {
        if(option.phases.contains(phase)) {
            names.emplace_back(to_string(phase));
        }
    }
    return names;
}

std::string text_of(const OptionSpec& option) {
    std::string places;
    for(const auto& name : phases_of(option)) {
        places += (places.empty() ? "" : ", ") + name;
    }
    return "\n" + styled(option.name, Style::bold, 1) + "  " + std::string(to_string(option.type)) +
           "; in: " + places + (option.default_value ? "; default: " + *option.default_value : "") +
           "\n    " + wrapped(option.help, 4, 4) + "\n";
}

void run(Session& session, const Arguments& arguments) {
    const auto& type = session.types().type(*arguments.positional());
    auto options = Json::array();
    std::string text = type.name + ": " + type.title + "\n";
    for(const auto& option : type.options->options()) {
        options.push_back({{"name", option.name},
                           {"type", std::string(to_string(option.type))},
                           {"in", phases_of(option)},
                           {"default", option.default_value ? Json(*option.default_value) : Json()},
                           {"help", option.help}});
        text += text_of(option);
    }
    session.report({{"type", type.name}, {"title", type.title}, {"options", options}}, text);
}

}  // namespace

Command backend_show_command() {
    return {
        .noun = "backend",
        .verb = "show",
        .summary = "show the options of a backend type",
        .flags = {},
        .positional = Positional{.name = "TYPE", .help = "the type: hsm, file or database"},
        .details =
            "Options in settings stand in keyway.json or with --set; the others are flags of key create, key "
            "store, key adopt, and of all that use a key.",
        .example = "keyway backend show hsm",
        .run = run};
}

}  // namespace keyway::cli
