// SPDX-License-Identifier: BSD-2-Clause
#include "keyway_command.hpp"

#include "command_line.hpp"
#include "completion.hpp"
#include "exit_status.hpp"
#include "hardening.hpp"
#include "help.hpp"
#include "json_output.hpp"
#include "session.hpp"
#include "signals.hpp"
#include "terminal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <unistd.h>

namespace {

using namespace keyway;
using namespace keyway::cli;

bool is_noun(const std::string& word) {
    return std::ranges::any_of(all_commands(), [&](const Command& command) { return command.noun == word; });
}

Error unknown_word(const std::string& word, const std::string& noun) {
    std::vector<std::string> known;
    for(const auto& command : all_commands()) {
        const auto& name = noun.empty() ? command.noun : command.verb;
        if((noun.empty() || command.noun == noun) && std::ranges::find(known, name) == known.end()) {
            known.push_back(name);
        }
    }
    if(word.starts_with('-')) {
        std::vector<std::string> flags;
        for(const auto& flag : global_flags()) {
            flags.push_back("--" + flag.name);
        }
        const auto name = flag_name(word);
        const auto nearest = nearest_name(name, flags);
        return {Errc::usage, "there is no flag " + in_quotes(name) + " for every command",
                nearest ? "did you mean " + in_quotes(*nearest) + "?"
                        : "flags of a command stand after its noun and verb; see keyway --help"};
    }
    return {Errc::usage,
            "there is no command " + in_quotes("keyway " + (noun.empty() ? "" : noun + " ") + word),
            name_hint(word, known)};
}

/// The command of the first two words.
const Command& find_command(const std::vector<std::string>& words) {
    if(!is_noun(words[0])) {
        throw unknown_word(words[0], "");
    }
    if(words.size() < 2) {
        throw Error(Errc::usage, "the command " + in_quotes("keyway " + words[0]) + " wants a verb",
                    "keyway " + words[0] + " --help");
    }
    for(const auto& command : all_commands()) {
        if(command.noun == words[0] && command.verb == words[1]) {
            return command;
        }
    }
    throw unknown_word(words[1], words[0]);
}

/// Settings for a help text: without them, where they cannot be read, it is still a help.
Settings settings_or_none(const Globals& globals) {
    try {
        return load_configuration(globals).settings;
    } catch(const Error&) {
        return {};
    }
}

void show_help(const Globals& globals, const std::vector<std::string>& words, const BackendRegistry& backends) {
    if(words.empty()) {
        print(globals.json ? overview_json("") : overview());
    } else if(words[0] == "errors") {
        print(globals.json ? errors_json() : errors_text());
    } else if(words.size() == 1 && is_noun(words[0])) {
        print(globals.json ? overview_json(words[0]) : help_of_noun(words[0]));
    } else {
        const auto& command = find_command(words);
        print(globals.json ? help_json(command, backends) : help_of(command, backends, settings_or_none(globals)));
    }
}

std::vector<Flag> all_flags(const Command& command, const std::vector<OptionFlag>& options) {
    auto flags = command.flags;
    for(const auto& option : options) {
        flags.push_back(option.flag);
    }
    return flags;
}

/// The flags of a type that the build is without are unknown: what is not understood may be that.
Error with_left_out_types(const Error& error, const BackendRegistry& backends, const Settings& settings) {
    for(const auto& [alias, backend] : settings.backends()) {
        for(const auto& type : backends.left_out()) {
            if(type.name == backend.type) {
                return {error.code(), error.message(),
                        error.hint() + (error.hint().empty() ? "" : "; ") + "the backend " + in_quotes(alias.str()) +
                            " is of type " + in_quotes(type.name) + ", which this build of Keyway is without: " + type.how};
            }
        }
    }
    return error;
}

Arguments arguments_of(const Command& command, const std::vector<Flag>& flags, const std::vector<std::string>& rest,
                       const BackendRegistry& backends, const Settings& settings) {
    try {
        return parse_arguments(command, flags, rest);
    } catch(const Error& error) {
        throw command.backend_phase ? with_left_out_types(error, backends, settings) : error;
    }
}

/// Opened before anything is done: what cannot be recorded is not to be done.
std::unique_ptr<Audit> audit_of(const Command& command, const Arguments& arguments, Configuration& configuration) {
    const auto& file = configuration.settings.audit();
    if(!file || !command.uses_keys) {
        return nullptr;
    }
    try {
        return std::make_unique<Audit>(*file, arguments.has("dry-run")  ? Audit::Mode::look
                                              : command.tells_faults ? Audit::Mode::when_used
                                                                       : Audit::Mode::write);
    } catch(const Error& error) {
        if(!command.tells_faults) {
            throw;
        }
        configuration.faults.push_back(error);
        return nullptr;
    }
}

void run_command(const Globals& globals, const BackendRegistry& backends) {
    const auto& command = find_command(globals.rest);
    if(!command.of_type.empty()) {
        static_cast<void>(backends.type(command.of_type));  // or it says how to get it
    }
    auto configuration = load_configuration(globals, command.tells_faults ? Faults::gather : Faults::end);
    const auto options = command.backend_phase
                             ? option_flags(command, backends, configuration.settings)
                             : std::vector<OptionFlag>{};
    const std::vector<std::string> rest(globals.rest.begin() + 2, globals.rest.end());
    const auto arguments = arguments_of(command, all_flags(command, options), rest, backends, configuration.settings);
    // In this scope, so that backends and their tokens are closed before main returns: PKCS#11 modules do not
    // survive calls from static destructors.
    auto audit = audit_of(command, arguments, configuration);
    Session session(std::move(configuration), globals.json ? OutputForm::json : OutputForm::text, options,
                    arguments, backends, std::move(audit));
    command.run(session, arguments);
}

void run(const std::vector<std::string>& arguments, const BackendRegistry& backends) {
    // Half a command line, which nobody is to judge.
    if(arguments.size() > 2 && arguments[0] == "completion" && arguments[1] == "words") {
        print(completion_lines({arguments.begin() + 2, arguments.end()}, backends));
        return;
    }
    const auto globals = parse_globals(arguments);
    if(globals.version) {
        print(globals.json ? "{\"version\": \"" KEYWAY_VERSION "\"}\n" : "keyway " KEYWAY_VERSION "\n");
    } else if(!globals.rest.empty() && globals.rest[0] == "help") {
        show_help(globals, {globals.rest.begin() + 1, globals.rest.end()}, backends);
    } else if(globals.help) {
        show_help(globals, globals.rest, backends);
    } else if(globals.rest.empty()) {
        print(first_words(load_configuration(globals)));
    } else {
        run_command(globals, backends);
    }
}

int fail(const Error& error, OutputForm form) {
    if(form == OutputForm::json) {
        print_error(error_line(error));
    } else {
        print_error("keyway: " + styled("error: ", Style::red, STDERR_FILENO) + visible(error.message()) +
                    "\n");
        if(!error.hint().empty()) {
            print_error("keyway: " + styled("hint: ", Style::yellow, STDERR_FILENO) + visible(error.hint()) +
                        "\n");
        }
    }
    return exit_status(error.code());
}

int run_and_tell(const std::vector<std::string>& arguments, OutputForm form, const BackendRegistry& backends) {
    try {
        harden_process();
        require_standard_descriptors();
        run(arguments, backends);
        return 0;
    } catch(const Error& error) {
        return fail(error, form);
    } catch(const std::bad_alloc&) {
        return fail(Error(Errc::storage_failed, "there is not enough memory",
                          "allow the process more, or sign something smaller"),
                    form);
    } catch(const std::exception& error) {
        return fail(Error(Errc::internal, error.what(), "this should not happen: please report it"), form);
    }
}

}  // namespace

int keyway::keyway_command(int argc, char** argv, const BackendRegistry& backends) {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    // Known before anything can fail: how the failure is to be told.
    const auto wants_json = [](const std::string& text) { return text == "--json" || text == "--json=true"; };
    const auto form = std::ranges::any_of(arguments, wants_json) ? OutputForm::json : OutputForm::text;
    hold_signals();
    const int status = run_and_tell(arguments, form, backends);
    let_signals_through();
    return status;
}
