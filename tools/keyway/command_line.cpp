// SPDX-License-Identifier: BSD-2-Clause
#include "command_line.hpp"

#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>

// The only file with this header, which takes seconds to compile.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

namespace keyway::cli {

namespace {

/// Stands for the value that was not given. No argument of a process can hold a NUL.
const std::string no_value(1, '\0');

Error usage(std::string message, std::string hint = {}) {
    return {Errc::usage, std::move(message), std::move(hint)};
}

Error malformed() {
    return usage("the command line is malformed");
}

/// A parser that knows these flags, keeps what it does not know, and judges nothing itself: what CLI11 says
/// of a malformed command line repeats values, and those may be secrets.
class Parser {
public:
    Parser(const std::vector<Flag>& flags, const std::vector<Positional>& positionals) {
        app_.set_help_flag();
        app_.allow_extras();
        for(const auto& flag : flags) {
            if(flag.takes == Takes::nothing) {
                const std::string letter = flag.name == "help" ? "-h," : "";
                options_.emplace_back(flag.name, app_.add_flag(letter + "--" + flag.name));
            } else {
                options_.emplace_back(flag.name, with_value("--" + flag.name));
            }
        }
        for(const auto& positional : positionals) {
            positionals_.push_back(
                app_.add_option(positional.name)->type_size(1)->expected(1)->allow_extra_args(false));
        }
        for(const auto& [name, option] : options_) {
            option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        }
    }

    void parse(const std::vector<std::string>& arguments) {
        for(const auto& argument : arguments) {
            if(argument == "--") {
                break;
            }
            // CLI11 would take the next argument for the value.
            if(argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
                throw usage(flag_name(argument) + " wants a value after the \"=\"");
            }
        }
        try {
            // CLI11 takes them from the end.
            app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
        } catch(const CLI::Error&) {
            throw malformed();
        }
    }

    [[nodiscard]] Arguments::Values values() const {
        Arguments::Values values;
        for(const auto& [name, option] : options_) {
            if(option->count() > 0) {
                values.emplace(name, option->results());
            }
        }
        return values;
    }

    [[nodiscard]] std::optional<std::string> positional(std::size_t which) const {
        if(which >= positionals_.size() || positionals_[which]->count() == 0) {
            return std::nullopt;
        }
        return positionals_[which]->results().front();
    }

    [[nodiscard]] std::vector<std::string> rest() const { return app_.remaining(); }

private:
    CLI::Option* with_value(const std::string& name) {
        return app_.add_option(name)->type_size(1)->expected(0, 1)->allow_extra_args(false)->default_str(
            no_value);
    }

    CLI::App app_;
    std::vector<std::pair<std::string, CLI::Option*>> options_;
    std::vector<CLI::Option*> positionals_;
};

/// Checks how often each flag was given, and with what; a switch that was set to false is taken away.
void check_values(const std::vector<Flag>& flags, Arguments::Values& values) {
    for(const auto& flag : flags) {
        const auto found = values.find(flag.name);
        if(found == values.end()) {
            continue;
        }
        const auto& given = found->second;
        // A switch may be repeated; it may not be on and off.
        const auto same = [&](const std::string& value) { return value == given.front(); };
        if((flag.takes == Takes::one && given.size() > 1) ||
           (flag.takes == Takes::nothing && !std::ranges::all_of(given, same))) {
            throw usage("--" + flag.name + " is given more than once");
        }
        if(flag.takes == Takes::nothing) {
            if(given.front() != "true" && given.front() != "false") {
                throw usage("--" + flag.name + " takes no value");
            }
        } else if(std::ranges::find(given, no_value) != given.end()) {
            throw usage("--" + flag.name + " wants a value: --" + flag.name + " " + flag.value);
        }
    }
}

/// Drops a switch that was written as --name=false.
void drop_unset(const std::vector<Flag>& flags, Arguments::Values& values) {
    for(const auto& flag : flags) {
        if(flag.takes == Takes::nothing && values.contains(flag.name) &&
           values[flag.name].front() == "false") {
            values.erase(flag.name);
        }
    }
}

std::string help_hint(const Command& command) {
    return "keyway " + command.noun + " " + command.verb + " --help";
}

bool sounds_secret(std::string_view name) {
    constexpr std::array words{"pin", "pass", "pwd", "secret"};
    return std::ranges::any_of(
        words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

/// The flags that name a secret's source.
std::string secret_flags(const std::vector<Flag>& flags) {
    std::string list;
    for(const auto& flag : flags) {
        if(flag.value == "SOURCE" && sounds_secret(flag.name)) {
            list += (list.empty() ? "--" : ", --") + flag.name;
        }
    }
    return list;
}

Error unknown_flag(const Command& command, const std::vector<Flag>& flags, std::string_view argument) {
    const auto name = flag_name(argument);
    const auto message = "keyway " + command.noun + " " + command.verb + " has no flag " + in_quotes(name);
    std::vector<std::string> known;
    for(const auto& flag : flags) {
        known.push_back("--" + flag.name);
    }
    for(const auto& flag : global_flags()) {
        known.push_back("--" + flag.name);
    }
    // "--pin" is no misspelt "--in".
    const auto nearest = nearest_name(name, known);
    if(sounds_secret(name) && !(nearest && sounds_secret(*nearest))) {
        const auto right = secret_flags(flags);
        return usage(message + (right.empty() ? "" : ": a secret is never given on a command line"),
                     right.empty()
                         ? help_hint(command)
                         : "give its source (env:NAME, file:PATH, fd:N or prompt:) to one of: " + right);
    }
    return usage(message, nearest ? "did you mean " + in_quotes(*nearest) + "?" : help_hint(command));
}

bool is_flag(const std::string& argument) {
    return argument.size() > 1 && argument.front() == '-';
}

void refuse_rest(const Command& command, const std::vector<Flag>& flags,
                 const std::vector<std::string>& rest) {
    for(const auto& argument : rest) {
        if(argument == "--") {
            break;
        }
        if(is_flag(argument)) {
            throw unknown_flag(command, flags, argument);
        }
    }
    if(std::ranges::any_of(rest, [](const std::string& argument) { return argument != "--"; })) {
        throw usage("there is an argument too many, which is not repeated here as it might be a secret",
                    help_hint(command));
    }
}

}  // namespace

std::string flag_name(std::string_view argument) {
    const auto hyphens = argument.starts_with("--") ? 2U : 1U;
    // With one hyphen, as in -pVALUE, everything after the letter is a value.
    auto name = hyphens == 1 ? argument.substr(0, 2) : argument.substr(0, argument.find('='));
    const auto plain = std::string_view("abcdefghijklmnopqrstuvwxyz-");
    const auto odd = name.find_first_not_of(plain, hyphens);
    return std::string(name.substr(0, odd)) + (odd == std::string_view::npos ? "" : "...");
}

Globals parse_globals(const std::vector<std::string>& arguments) {
    Parser parser(global_flags(), {});
    parser.parse(arguments);
    auto values = parser.values();
    check_values(global_flags(), values);
    drop_unset(global_flags(), values);
    const Arguments given(values, std::nullopt);
    return {.config = given.value("config"),
            .sets = given.values("set"),
            .audit = given.value("audit"),
            .json = given.has("json"),
            .help = given.has("help"),
            .version = given.has("version"),
            .rest = parser.rest()};
}

Arguments parse_arguments(const Command& command, const std::vector<Flag>& flags,
                          const std::vector<std::string>& arguments) {
    std::vector<Positional> positionals;
    for(const auto& positional : {command.positional, command.second_positional}) {
        if(positional) {
            positionals.push_back(*positional);
        }
    }
    Parser parser(flags, positionals);
    parser.parse(arguments);
    refuse_rest(command, flags, parser.rest());
    auto values = parser.values();
    check_values(flags, values);
    drop_unset(command.flags, values);
    for(const auto& flag : flags) {
        if(flag.required && !values.contains(flag.name)) {
            throw usage("--" + flag.name + " is missing: " + flag.help, help_hint(command));
        }
    }
    for(std::size_t i = 0; i < positionals.size(); ++i) {
        if(positionals[i].required && !parser.positional(i)) {
            throw usage(positionals[i].name + " is missing: " + positionals[i].help, help_hint(command));
        }
    }
    return {std::move(values), parser.positional(0), parser.positional(1)};
}

}  // namespace keyway::cli
