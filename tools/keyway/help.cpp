// SPDX-License-Identifier: BSD-2-Clause
#include "help.hpp"

#include "exit_status.hpp"
#include "option_flags.hpp"
#include "terminal.hpp"

#include <keyway/core/text.hpp>

#include <nlohmann/json.hpp>

#include <set>
#include <unistd.h>

namespace keyway::cli {

namespace {

constexpr std::size_t help_column = 28;

std::string heading(std::string_view text) {
    return "\n" + styled(text, Style::bold, STDOUT_FILENO) + "\n";
}

/// A name on the left, an explanation on the right, or below where the name is long.
std::string entry(const std::string& name, const std::string& help) {
    std::string out = "  " + name;
    if(out.size() + 2 > help_column) {
        out += "\n" + std::string(help_column, ' ');
    } else {
        out += std::string(help_column - out.size(), ' ');
    }
    return out + wrapped(help, help_column, help_column) + "\n";
}

std::string entry(const Flag& flag) {
    std::string name = "--" + flag.name + (flag.value.empty() ? "" : " " + flag.value);
    return entry(name, flag.help + (flag.takes == Takes::many ? "; may be given more than once" : ""));
}

nlohmann::ordered_json flags_json(const std::vector<Flag>& flags) {
    auto out = nlohmann::ordered_json::array();
    for(const auto& flag : flags) {
        out.push_back({{"name", flag.name},
                       {"value", flag.value.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(flag.value)},
                       {"required", flag.required},
                       {"repeatable", flag.takes == Takes::many},
                       {"values", flag.values},
                       {"help", flag.help}});
    }
    return out;
}

std::string command_lines(const std::string& noun) {
    std::string out;
    for(const auto& command : all_commands()) {
        if(noun.empty() || command.noun == noun) {
            out += entry(command.noun + " " + command.verb, command.summary);
        }
    }
    return out;
}

std::string indented(const std::string& lines) {
    std::string out = "  ";
    for(const char c : lines) {
        out += c;
        if(c == '\n') {
            out += "  ";
        }
    }
    return out + "\n";
}

/// The types whose options a help text shows: those in the settings, or all.
std::set<std::string> types_shown(const BackendRegistry& types, const Settings& settings) {
    std::set<std::string> names;
    for(const auto& [alias, backend] : settings.backends()) {
        names.insert(backend.type);
    }
    if(names.empty()) {
        for(const auto& type : types.types()) {
            names.insert(type.name);
        }
    }
    return names;
}

}  // namespace

std::string first_words(const Configuration& configuration) {
    std::string out = "keyway: one way to sign with keys in HSMs (PKCS#11), files and databases\n\n";
    if(configuration.file) {
        const auto& settings = configuration.settings;
        const auto several = settings.backends().size() > 1;
        out += "The settings are in " + visible(configuration.file->string()) +
               (several ? ", with the backends " + aliases_in(settings) : "") +
               ". Next:\n\n"
               "  keyway backend list          which backends they name\n";
        out += settings.default_backend() ? "  keyway key list              the keys of the default one\n"
                                          : "  keyway key list --backend ALIAS\n";
    } else {
        out += "There are no settings yet. Write keyway.json, for instance for keys in files:\n\n"
               "  {\"version\": 1, \"backends\": {\"file\": {\"type\": \"file\", \"path\": \"keys\"}}}\n\n"
               "and make a first key:\n\n"
               "  keyway key create --type p-256 --label first --passphrase prompt:\n\n"
               "  keyway backend list          which kinds of backends there are\n"
               "  keyway backend show hsm      what a token needs\n";
    }
    return out + "  keyway --help                all commands\n";
}

std::string overview() {
    std::string out = "usage: keyway [--config FILE] [--json] NOUN VERB [...]\n" + heading("Commands") +
                      command_lines("") + entry("help [NOUN [VERB]]", "the help of a command") +
                      entry("help errors", "the error classes and their exit statuses") +
                      heading("Flags of every command");
    for(const auto& flag : global_flags()) {
        out += entry(flag);
    }
    return out + heading("Settings") +
           "  The first of: --config, $KEYWAY_CONFIG, ./keyway.json,\n"
           "  $XDG_CONFIG_HOME/keyway/keyway.json (~/.config), /etc/keyway/keyway.json.\n" +
           heading("Secrets") +
           "  Never on the command line; a flag takes a secret's SOURCE:\n"
           "  env:NAME, file:PATH, fd:N, or prompt: to be asked on the terminal.\n";
}

std::string help_of_noun(const std::string& noun) {
    return "usage: keyway " + noun + " VERB [...]\n" + heading("Commands") + command_lines(noun);
}

std::string help_of(const Command& command, const BackendRegistry& types, const Settings& settings) {
    std::string usage = "usage: keyway " + command.noun + " " + command.verb;
    if(command.positional) {
        usage += " " + command.positional->name;
    }
    if(command.second_positional) {
        usage += " " + command.second_positional->name;
    }
    for(const auto& flag : command.flags) {
        if(flag.required) {
            usage += " --" + flag.name + " " + flag.value;
        }
    }
    if(command.backend_phase && *command.backend_phase != Phase::use && !command.second_positional) {
        usage += " --label NAME";  // every backend wants one for a new key
    }
    std::string out = wrapped(usage + " [...]", 4, 0) + "\n\n" + wrapped(command.summary, 0, 0) + "\n";
    if(!command.details.empty()) {
        out += "\n" + wrapped(command.details, 0, 0) + "\n";
    }
    if(command.positional || !command.flags.empty()) {
        out += heading("Flags");
    }
    if(command.positional) {
        out += entry(command.positional->name, command.positional->help);
    }
    if(command.second_positional) {
        out += entry(command.second_positional->name, command.second_positional->help);
    }
    for(const auto& flag : command.flags) {
        out += entry(flag);
    }
    if(command.backend_phase) {
        for(const auto& name : types_shown(types, settings)) {
            if(!types.knows(name)) {
                continue;
            }
            out += heading("Flags for backends of type " + name);
            for(const auto& flag : option_flags_of(types.type(name), *command.backend_phase, command)) {
                out += entry(flag);
            }
        }
        out +=
            "\n" +
            wrapped(
                "With the alias of a backend in front they are for that one: --ALIAS-user-pin. A SOURCE is "
                "env:NAME, file:PATH, fd:N or prompt:.",
                2, 2)
                .insert(0, "  ") +
            "\n";
    }
    return out + heading("Example") + indented(command.example) +
           "\nkeyway --help shows the flags of every command.\n";
}

std::string overview_json(const std::string& noun) {
    auto commands = nlohmann::ordered_json::array();
    for(const auto& command : all_commands()) {
        if(noun.empty() || command.noun == noun) {
            commands.push_back({{"noun", command.noun}, {"verb", command.verb}, {"summary", command.summary}});
        }
    }
    return nlohmann::ordered_json{{"commands", commands}, {"flags", flags_json(global_flags())}}.dump(2) + "\n";
}

std::string help_json(const Command& command, const BackendRegistry& types) {
    auto arguments = nlohmann::ordered_json::array();
    for(const auto& positional : {command.positional, command.second_positional}) {
        if(positional) {
            arguments.push_back(
                {{"name", positional->name}, {"required", positional->required}, {"help", positional->help}});
        }
    }
    auto options = nlohmann::ordered_json::object();
    for(const auto& type : types.types()) {
        if(command.backend_phase) {
            options[type.name] = flags_json(option_flags_of(type, *command.backend_phase, command));
        }
    }
    return nlohmann::ordered_json{{"noun", command.noun},
                                  {"verb", command.verb},
                                  {"summary", command.summary},
                                  {"details", command.details},
                                  {"arguments", arguments},
                                  {"flags", flags_json(command.flags)},
                                  {"backend-flags", options},
                                  {"example", command.example}}
               .dump(2) +
           "\n";
}

std::string errors_text() {
    std::vector<Row> rows;
    for(const auto& entry : exit_statuses()) {
        rows.push_back(
            {std::to_string(entry.status), std::string(to_string(entry.code)), std::string(entry.meaning)});
    }
    return table({"STATUS", "ERROR", "MEANING"}, rows);
}

std::string errors_json() {
    auto errors = nlohmann::ordered_json::array();
    for(const auto& entry : exit_statuses()) {
        errors.push_back({{"code", std::string(to_string(entry.code))},
                          {"exit-status", entry.status},
                          {"meaning", std::string(entry.meaning)}});
    }
    return nlohmann::ordered_json{{"errors", errors}}.dump(2) + "\n";
}

}  // namespace keyway::cli
