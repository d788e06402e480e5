// SPDX-License-Identifier: BSD-2-Clause
#include "arguments.hpp"

#include "failure.hpp"
#include "text.hpp"

#include <fault/plan_text.hpp>

#include <algorithm>
#include <string_view>

namespace softhsm_fixtures::command {

namespace {

namespace plan_text = pkcs11_fault::text;

[[nodiscard]] std::string help_of(const KnownCommand& command) {
    return "; see `softhsm-fixture" + (command.name.empty() ? "" : ' ' + command.name) + " --help`";
}

/// A line for a shell, with `--` before the program.
[[nodiscard]] std::string separated_line(const std::vector<std::string>& options, const std::vector<std::string>& program) {
    std::string line = "softhsm-fixture run";
    for (const auto& word : options) {
        line += ' ' + word_of_sh(word);
    }
    line += " --";
    for (const auto& word : program) {
        line += ' ' + word_of_sh(word);
    }
    return line;
}

/// Goes through the arguments behind a subcommand.
class Walk {
public:
    Walk(const CommandLine& line, const KnownCommand& command, std::size_t begin)
        : line_(line), command_(command), at_(begin) {}

    void go() {
        for (; at_ < line_.arguments.size(); ++at_) {
            const std::string& word = line_.arguments[at_];
            if (word.size() > 1 && word.starts_with("--")) {
                long_option(word);
            } else if (word.size() > 1 && word.starts_with('-')) {
                letters(word);
            } else {
                one_word(word);
            }
        }
    }

private:
    [[nodiscard]] const KnownOption* find(const std::string& name) const {
        const auto& all = command_.options;
        const auto found = std::find_if(all.begin(), all.end(), [&](const KnownOption& option) {
            return std::find(option.names.begin(), option.names.end(), name) != option.names.end();
        });
        return found == all.end() ? nullptr : &*found;
    }

    [[noreturn]] void refuse(const std::string& message) const {
        throw Failure(command_.wrong_use, message + help_of(command_));
    }

    [[noreturn]] void unknown(const std::string& name) const {
        std::vector<std::string_view> known;
        for (const auto& option : command_.options) {
            known.push_back(option.names.back());
        }
        refuse(plan_text::unknown("option", name, known) +
               (command_.name == "run" && !line_.separated ? "; the program, with its own options, comes behind --" : ""));
    }

    void long_option(const std::string& word) {
        const auto equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const KnownOption* option = find(name);
        if (option == nullptr) {
            unknown(name);
        }
        if (option->value.empty() && equals != std::string::npos) {
            refuse(name + " takes no value");
        }
        if (equals != std::string::npos && equals + 1 == word.size()) {
            refuse(name + (name.starts_with("--fault") ? ": an empty value tests nothing" : ": the value is empty"));
        }
        if (!option->value.empty() && equals == std::string::npos && ++at_ == line_.arguments.size()) {
            refuse(name + " wants a " + option->value + " behind it");
        }
    }

    void letters(const std::string& word) {
        for (const char letter : word.substr(1)) {
            if (find(std::string("-") + letter) == nullptr) {
                unknown(word);
            }
        }
    }

    void one_word(const std::string& word) {
        if (++words_ <= command_.most_words) {
            return;
        }
        if (command_.name == "run") {
            const auto first = line_.arguments.begin();
            const auto here = first + static_cast<std::ptrdiff_t>(at_);
            std::vector<std::string> program(here, line_.arguments.end());
            if (line_.separated) {
                program.emplace_back("--");
                program.insert(program.end(), line_.program.begin(), line_.program.end());
            }
            refuse("the program comes behind --: `" + separated_line({first + 1, here}, program) + '`');
        }
        if (command_.wrong_use == Status::failed) {
            refuse('"' + word + "\": only `run` takes a program, `" + command_.name + "` does not");
        }
        refuse('"' + word + "\" is one word too many");
    }

    const CommandLine& line_;
    const KnownCommand& command_;
    std::size_t at_;
    std::size_t words_ = 0;
};

} // namespace

CommandLine cut_at_separator(std::vector<std::string> arguments) {
    CommandLine line;
    const auto separator = std::find(arguments.begin(), arguments.end(), "--");
    line.separated = separator != arguments.end();
    if (line.separated) {
        line.program.assign(separator + 1, arguments.end());
        arguments.erase(separator, arguments.end());
    }
    line.arguments = std::move(arguments);
    return line;
}

void check_arguments(const CommandLine& line, const std::vector<KnownCommand>& commands) {
    const KnownCommand& whole = commands.front();
    std::vector<std::string_view> names;
    for (const auto& command : commands) {
        if (!command.name.empty()) {
            names.push_back(command.name);
        }
    }
    if (line.arguments.empty()) {
        throw Failure(whole.wrong_use, line.separated
                                           ? "which command? perhaps `" + separated_line({}, line.program) + '`'
                                           : "which command? known: " + plan_text::joined(names) + help_of(whole));
    }
    const std::string& first = line.arguments.front();
    if (first.starts_with('-')) {
        Walk(line, whole, 0).go();
        return;
    }
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const auto& command) { return command.name == first; });
    if (first.empty() || found == commands.end()) {
        throw Failure(whole.wrong_use, plan_text::unknown("command", first, names) + help_of(whole));
    }
    Walk(line, *found, 1).go();
    if (found->name == "run" && line.program.empty()) {
        throw Failure(found->wrong_use, "no command: put it behind --, as in `softhsm-fixture run -- make check`");
    }
    if (found->name != "run" && line.separated) {
        throw Failure(found->wrong_use, "only `run` takes a command behind --");
    }
}

} // namespace softhsm_fixtures::command
