// SPDX-License-Identifier: BSD-2-Clause
// The only file that includes CLI11, which takes long to compile.
#include "arguments.hpp"
#include "failure.hpp"
#include "fault_options.hpp"
#include "files.hpp"
#include "folders.hpp"
#include "help_texts.hpp"
#include "listings.hpp"
#include "run.hpp"

#include <softhsm_fixtures/errors.hpp>

#include <CLI/CLI.hpp>
#include <fault/plan_text.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::command {

namespace {

/// Wrong use of a subcommand that runs nothing.
constexpr int wrong_use = 2;
constexpr int refused = 1;

/// The help of every subcommand: how to call it, what it is for, its options, and what is in its footer.
class Help : public CLI::FormatterBase {
public:
    std::string make_help(const CLI::App* app, std::string /*name*/, CLI::AppFormatMode /*mode*/) const override {
        const bool is_whole = app->get_parent() == nullptr;
        std::string text = "usage: softhsm-fixture " + (is_whole ? "COMMAND" : app->get_name()) + " [OPTION]...";
        std::string options;
        for (const auto* option : app->get_options()) {
            if (option->get_positional()) {
                // The control file can be left out before the line.
                const std::string name = (app->get_name() == "fault" ? "[CONTROLFILE] " : "") + option->get_name(true);
                text += option->get_required() ? ' ' + name : " [" + name + ']';
            }
            options += described("  " + heading(*option), option->get_description());
        }
        text += (app->get_name() == "run" ? " -- PROGRAM [ARGUMENT]...\n\n" : "\n\n") + app->get_description() + "\n\n";
        if (is_whole) {
            text += "Commands, each with a --help of its own:\n";
            for (const auto* sub : app->get_subcommands(nullptr)) {
                text += described("  " + sub->get_name(), sub->get_description());
            }
            text += '\n';
        }
        return text + "Options:\n" + options + app->get_footer();
    }

private:
    static constexpr std::size_t column = 26;

    [[nodiscard]] static std::string heading(const CLI::Option& option) {
        std::string names = option.get_name(option.get_positional(), true);
        if (const auto comma = names.find(','); comma != std::string::npos) {
            names.insert(comma + 1, " ");
        }
        const std::string type = option.get_type_name();
        return names + (option.get_positional() || type.empty() || option.get_expected_max() == 0 ? "" : ' ' + type);
    }

    /// The description in a column of its own, its lines broken before 100.
    [[nodiscard]] static std::string described(std::string text, const std::string& description) {
        if (text.size() + 2 > column) {
            text += '\n' + std::string(column, ' ');
        } else {
            text.resize(column, ' ');
        }
        std::size_t used = column;
        std::istringstream words(description);
        for (std::string word; words >> word; used += word.size() + 1) {
            if (used + word.size() > 100) {
                text.back() = '\n';
                text += std::string(column, ' ');
                used = column;
            }
            text += word + ' ';
        }
        text.back() = '\n';
        return text;
    }
};

void add_fixture_options(CLI::App& app, FixtureRequest& request) {
    app.add_option("--token", request.labels, "Make a token with this label; again for one more. Without it: one, with a label of its own")
        ->type_name("LABEL")
        ->allow_extra_args(false)
        ->take_all();
    app.add_option("--content", request.contents, "What the tokens hold, a list in JSON as at the end of `softhsm-fixture run --help`; again to give each --token its own")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->take_all();
    app.add_flag("--fresh-pins", request.fresh_pins, "Give each PINs of its own, where tokens with the same --content would have the same");
    app.add_option("--module", request.module, "Make it with this module; softhsm2 by default. See `softhsm-fixture modules`")
        ->type_name("NAME");
    app.add_option("--need", request.needs, "Make it with a module that can do this; again for more")
        ->type_name("CAPABILITY")
        ->allow_extra_args(false)
        ->take_all();
    auto& faults = request.faults;
    app.add_option("--fault", faults.faults, "Put the fault module in front of the token, and let this fail, in the short form or in JSON; again for more. See `softhsm-fixture faults`")
        ->type_name("FAULT")
        ->allow_extra_args(false)
        ->take_all();
    app.add_option("--fault-plan", faults.plan, "The same by a plan in JSON")->type_name("FILE");
    app.add_option("--fault-profile", faults.profiles, "The same by a profile that comes with the kit; again for more. See `softhsm-fixture profiles`")
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->take_all();
    app.add_flag("--fault-module", faults.in_front, "The fault module with nothing that fails, to be told while it runs by `softhsm-fixture fault`, or to log and count calls");
    app.add_option("--fault-seed", faults.seed, "What probabilities are drawn from; 1 by default")->type_name("N");
    app.add_option("--fault-log", faults.log, "Where calls are logged; in the folder by default")->type_name("FILE");
    app.add_option("--fault-counters", faults.counters, "Where calls are counted; in the folder by default")->type_name("FILE");
    app.add_option("--fault-control", faults.control, "The control file; in the folder by default")->type_name("FILE");
    app.add_flag("--no-openssl", request.leave_openssl, "Leave OPENSSL_CONF alone");
    app.add_flag("--no-p11-kit", request.leave_p11_kit, "Leave XDG_CONFIG_HOME alone");
    app.add_option("--skip-status", request.skip_status, "Exit status where there is no module to make a token with; 77 by default")
        ->type_name("N")
        ->check(CLI::Range(0, 255).description(""));
    app.add_flag("-v,--verbose", request.verbose, "Say on stderr what is made");
}

/// What was asked for, by all subcommands.
struct Request {
    RunRequest run;
    FixtureRequest shell;
    FixtureRequest env;
    std::string format = "sh";
    std::string folder;
    std::string plan;
    std::string counters;
    std::vector<std::string> control; ///< [file] line
    bool all = false;
    bool all_counters = false;
    bool json = false;
};

void add_run(CLI::App& app, Request& request) {
    auto* sub = app.add_subcommand("run", "Make tokens, run a command with them, clean up, and end as the command did");
    add_fixture_options(*sub, request.run.fixture);
    sub->add_flag("--keep", request.run.keep, "Leave the folder, and print where it is");
    sub->add_flag("--keep-on-failure", request.run.keep_on_failure, "Leave it when the command fails");
    sub->footer(help::run);
}

/// What check_arguments() knows of a subcommand, or of the whole.
[[nodiscard]] KnownCommand known(const CLI::App& app) {
    KnownCommand command;
    if (app.get_parent() != nullptr) {
        command.name = app.get_name();
    }
    if (command.name == "run" || command.name == "shell" || command.name == "env") {
        command.wrong_use = Status::failed;
    }
    for (const auto* option : app.get_options()) {
        if (option->get_positional()) {
            command.most_words += static_cast<std::size_t>(option->get_expected_max());
            continue;
        }
        KnownOption one;
        for (const auto& name : option->get_snames()) {
            one.names.push_back('-' + name);
        }
        for (const auto& name : option->get_lnames()) {
            one.names.push_back("--" + name);
        }
        one.value = option->get_expected_max() == 0 ? "" : option->get_type_name();
        command.options.push_back(std::move(one));
    }
    return command;
}

/// Whether help is wanted, which is given whatever else there is.
[[nodiscard]] bool asks_for_help(const CommandLine& line) {
    return std::any_of(line.arguments.begin(), line.arguments.end(),
                       [](const std::string& word) { return word == "--help" || word == "-h"; });
}

[[nodiscard]] Format format_of(const std::string& name) {
    constexpr std::array<std::string_view, 4> names = {"sh", "fish", "json", "github"};
    constexpr std::array formats = {Format::sh, Format::fish, Format::json, Format::github};
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
        throw Failure(Status::failed, "--format: " + pkcs11_fault::text::unknown("format", name, names) +
                                          "; see `softhsm-fixture env --help`");
    }
    return formats[static_cast<std::size_t>(found - names.begin())];
}

/// What a subcommand works on when it is not told.
[[nodiscard]] std::string value_of(const char* variable, const std::string& what) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') {
        throw Failure(wrong_use, "which " + what + "? name it, or set " + variable);
    }
    return value;
}

[[nodiscard]] int remove(const Request& request) {
    if (request.all && !request.folder.empty()) {
        throw Failure(wrong_use, "--all removes all, and \"" + request.folder + "\" is one: give one of both");
    }
    if (request.all) {
        // A test program leaves no record, so what it made counts as left after a day without change.
        constexpr std::time_t day = 24 * 60 * 60;
        for (const auto& folder : fixture_folders()) {
            if (folder.state == FolderState::left ||
                (folder.state == FolderState::unknown && folder.changed_at + day < std::time(nullptr))) {
                remove_fixture_folder(folder.path);
                std::printf("%s\n", folder.path.c_str());
            }
        }
        return 0;
    }
    remove_fixture_folder(request.folder.empty() ? value_of("SOFTHSM_FIXTURE_DIRECTORY", "folder") : request.folder);
    return 0;
}

void complain(const std::string& message) {
    std::fprintf(stderr, "softhsm-fixture: %s\n", message.c_str());
}

/// Hands over to the subcommand; `own_status` is what its own failures end with.
[[nodiscard]] int dispatch(const CLI::App& app, Request& request, int& own_status) {
    const Listing listing = request.json ? Listing::json : Listing::text;
    if (app.got_subcommand("run")) {
        own_status = Status::failed;
        return run(request.run);
    }
    if (app.got_subcommand("shell")) {
        own_status = Status::failed;
        return shell(request.shell);
    }
    if (app.got_subcommand("env")) {
        own_status = Status::failed;
        print_environment(request.env, format_of(request.format));
        return 0;
    }
    if (app.got_subcommand("check-plan")) {
        check_plan(request.plan);
        return 0;
    }
    if (app.got_subcommand("fault")) {
        const auto& words = request.control;
        add_control_line(words.size() == 2 ? words.front() : value_of("PKCS11_FAULT_CONTROL", "control file"), words.back());
        return 0;
    }
    if (app.got_subcommand("counters")) {
        const bool by_variable = request.counters.empty();
        list_counters({.file = by_variable ? value_of("PKCS11_FAULT_COUNTERS", "file of counters") : request.counters,
                       .may_be_absent = by_variable,
                       .all = request.all_counters},
                      listing);
        return 0;
    }
    if (app.got_subcommand("modules")) {
        list_modules(listing);
        return 0;
    }
    if (app.got_subcommand("faults")) {
        list_faults(listing);
        return 0;
    }
    if (app.got_subcommand("profiles")) {
        list_profiles(listing);
        return 0;
    }
    if (app.got_subcommand("list")) {
        list_folders(listing);
        return 0;
    }
    return remove(request);
}

[[nodiscard]] int main_with(std::vector<std::string> arguments) {
    Request request;
    CLI::App app("PKCS#11 tokens for tests, made in milliseconds and removed; and a module that fails on demand.", "softhsm-fixture");
    app.set_version_flag("--version", "softhsm-fixture " SOFTHSM_FIXTURES_VERSION);
    app.require_subcommand(1);
    app.formatter(std::make_shared<Help>());

    add_run(app, request);
    auto* shell_command = app.add_subcommand("shell", "The same with an interactive shell, $SHELL");
    add_fixture_options(*shell_command, request.shell);
    shell_command->footer(help::shell);
    auto* env_command = app.add_subcommand("env", "Make tokens, leave them, and print the variables for eval");
    add_fixture_options(*env_command, request.env);
    env_command->add_option("--format", request.format, "How to print them: sh, fish, json, github")
        ->type_name("FORMAT");
    env_command->footer(help::env);
    auto* remove_command = app.add_subcommand("remove", "Remove a folder that `env` or --keep left");
    remove_command->add_option("DIR", request.folder, "The folder; SOFTHSM_FIXTURE_DIRECTORY by default");
    remove_command->add_flag("--all", request.all, "All of yours in TMPDIR that nothing uses; prints their names");
    const auto add_listing = [&](const char* name, const char* description) {
        auto* sub = app.add_subcommand(name, description);
        sub->add_flag("--json", request.json, "As JSON");
        return sub;
    };
    add_listing("list", "Show the folders of fixtures in TMPDIR");
    add_listing("modules", "Show the modules that tokens can be made with, and what they can do");
    add_listing("faults", "Show what the fault module can let fail");
    add_listing("profiles", "Show the profiles of the fault module");
    auto* check_command = app.add_subcommand("check-plan", "Check a plan of the fault module");
    check_command->add_option("FILE", request.plan, "The plan, in JSON")->required();
    check_command->footer(help::check_plan);
    auto* fault_command = app.add_subcommand("fault", "Tell a running fault module something: check LINE, and add it to the control file");
    fault_command->add_option("LINE", request.control, "The line; before it a control file may be named, PKCS11_FAULT_CONTROL by default")
        ->required()
        ->expected(1, 2);
    fault_command->footer(help::fault);

    auto* counters_command = add_listing("counters", "Show how often each function was called");
    counters_command->add_option("FILE", request.counters, "The file; PKCS11_FAULT_COUNTERS by default");
    counters_command->add_flag("--all", request.all_counters, "Also the functions that were not called");
    counters_command->footer(help::counters);
    app.footer(help::whole); // when all are added: they would inherit it

    std::vector<KnownCommand> commands = {known(app)};
    for (const auto* sub : app.get_subcommands(nullptr)) {
        commands.push_back(known(*sub));
    }
    auto line = cut_at_separator(std::move(arguments));
    std::string see = "; see `softhsm-fixture --help`";
    int own_status = wrong_use;
    try {
        if (!asks_for_help(line)) {
            check_arguments(line, commands);
        }
        for (const auto& command : commands) {
            if (!line.arguments.empty() && line.arguments.front() == command.name) {
                own_status = command.wrong_use;
                see = "; see `softhsm-fixture " + command.name + " --help`";
            }
        }
        request.run.command = std::move(line.program);
        std::reverse(line.arguments.begin(), line.arguments.end());
        app.parse(line.arguments);
        own_status = refused;
        return dispatch(app, request, own_status);
    } catch (const CLI::Success& shown) {
        return app.exit(shown); // --help, --version
    } catch (const CLI::ParseError& error) {
        complain(error.what() + see);
        return own_status;
    } catch (const Failure& failure) {
        complain(failure.what());
        return own_status == refused && failure.status() == Status::failed ? refused : failure.status();
    } catch (const std::exception& error) {
        complain(error.what());
        return own_status;
    }
}

} // namespace

} // namespace softhsm_fixtures::command

int main(int argc, char** argv) {
    softhsm_fixtures::command::fill_standard_descriptors();
    return softhsm_fixtures::command::main_with({argv + 1, argv + argc});
}
