// SPDX-License-Identifier: BSD-2-Clause
#include "completion.hpp"

#include "configuration.hpp"
#include "option_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/key_spec.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace keyway::cli {

namespace {

/// The words before the one being typed, as far as they are understood.
struct Line {
    std::vector<std::string> plain;          ///< noun, verb, then arguments without a flag
    std::set<std::string> given;             ///< names of flags
    std::optional<std::string> waiting_for;  ///< the flag whose value is being typed
};

class Completer {
public:
    Completer(const std::vector<std::string>& words, const BackendRegistry& types)
        : types_(types),
          before_(words.begin(), words.empty() ? words.end() : words.end() - 1),
          typed_(words.empty() ? "" : words.back()) {
        read_settings();
        find_command();
        collect_flags();
        read_line();
    }

    Candidates run() {
        const auto equals = typed_.find('=');
        if(line_.waiting_for) {
            add_values(find_flag(*line_.waiting_for), "");
        } else if(typed_.starts_with("--") && equals != std::string::npos) {
            const auto prefix = typed_.substr(0, equals + 1);
            typed_.erase(0, equals + 1);
            add_values(find_flag(prefix.substr(2, equals - 2)), prefix);
        } else if(typed_.starts_with('-')) {
            add_flags();
        } else {
            add_plain();
        }
        return std::move(out_);
    }

private:
    void read_settings() {
        Globals globals;
        for(std::size_t i = 0; i < before_.size(); ++i) {
            if(before_[i] == "--config" && i + 1 < before_.size()) {
                globals.config = before_[i + 1];
            } else if(before_[i].starts_with("--config=")) {
                globals.config = before_[i].substr(std::string_view("--config=").size());
            }
        }
        if(std::error_code error; globals.config && !std::filesystem::is_regular_file(*globals.config, error)) {
            return;  // a pipe would be waited for, and taken from the command itself
        }
        try {
            settings_ = load_configuration(globals).settings;
        } catch(const Error&) {
            // Nobody asked for them: what does not need them is still completed.
        }
    }

    /// Noun and verb are the first two words that are no flag nor the value of a flag for every command.
    void find_command() {
        std::vector<std::string> nouns;
        for(std::size_t i = 0; i < before_.size() && nouns.size() < 3; ++i) {
            if(before_[i].starts_with('-')) {
                const auto same = [&](const Flag& flag) { return before_[i] == "--" + flag.name; };
                const auto flag = std::ranges::find_if(global_flags(), same);
                i += flag != global_flags().end() && flag->takes != Takes::nothing ? 1U : 0U;
            } else if(before_[i] == "help" && nouns.empty() && !help_) {
                help_ = true;
            } else {
                nouns.push_back(before_[i]);
            }
        }
        for(const auto& command : all_commands()) {
            if(nouns.size() >= 2 && command.noun == nouns[0] && command.verb == nouns[1]) {
                command_ = &command;
            }
        }
    }

    void collect_flags() {
        flags_ = global_flags();
        if(command_ == nullptr) {
            return;
        }
        flags_.insert(flags_.end(), command_->flags.begin(), command_->flags.end());
        if(!command_->backend_phase) {
            return;
        }
        std::set<std::string> names;
        for(const auto& flag : flags_) {
            names.insert(flag.name);
        }
        const auto add = [&](const BackendType& type, const std::string& prefix) {
            for(const auto phase : {*command_->backend_phase, Phase::use}) {
                if(phase != *command_->backend_phase && !command_->second_positional) {
                    continue;
                }
                for(auto flag : option_flags_of(type, phase, *command_)) {
                    flag.name = prefix + flag.name;
                    if(names.insert(flag.name).second) {
                        flags_.push_back(std::move(flag));
                    }
                }
            }
        };
        for(const auto& type : types_.types()) {
            const auto uses = [&](const auto& backend) { return backend.second.type == type.name; };
            if(settings_.backends().empty() || std::ranges::any_of(settings_.backends(), uses)) {
                add(type, "");
            }
        }
        for(const auto& [alias, backend] : settings_.backends()) {
            if(alias.str() != "default" && types_.knows(backend.type)) {
                add(types_.type(backend.type), alias.str() + "-");
            }
        }
    }

    [[nodiscard]] const Flag* find_flag(const std::string& name) const {
        const auto found = std::ranges::find(flags_, name, &Flag::name);
        return found == flags_.end() ? nullptr : &*found;
    }

    void read_line() {
        for(const auto& word : before_) {
            if(line_.waiting_for) {
                line_.waiting_for.reset();
            } else if(word.starts_with("--")) {
                const auto name = word.substr(2, word.find('=') - 2);
                const auto* const flag = find_flag(name);
                line_.given.insert(name);
                if(flag != nullptr && flag->takes != Takes::nothing && word.find('=') == std::string::npos) {
                    line_.waiting_for = name;
                }
            } else if(!word.starts_with('-')) {
                line_.plain.push_back(word);
            }
        }
        if(help_ && !line_.plain.empty()) {
            line_.plain.erase(line_.plain.begin());
        }
    }

    void add(std::string word, std::string help = {}) {
        const auto same = [&](const Candidate& other) { return other.word == word; };
        // Settings of others may name things so that a terminal, or a shell, would take them for more than words.
        const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
        std::ranges::replace_if(help, is_control, ' ');
        if(std::string_view(word).starts_with(typed_) && std::ranges::none_of(word, is_control) &&
           std::ranges::none_of(out_.words, same)) {
            out_.words.push_back({std::move(word), std::move(help)});
        }
    }

    void add_flags() {
        for(const auto& flag : flags_) {
            const bool again = flag.takes == Takes::many || !line_.given.contains(flag.name);
            if(again && flag.value != "SETTING") {
                add("--" + flag.name, flag.help);
            }
        }
    }

    void add_aliases(const std::string& behind) {
        for(const auto& [alias, backend] : settings_.backends()) {
            add(alias.str() + behind, "backend of type " + backend.type);
        }
    }

    void add_references() {
        add_aliases(":");
        out_.files = true;
    }

    /// The options that --set takes.
    void add_settings() {
        for(const auto& [alias, backend] : settings_.backends()) {
            if(!types_.knows(backend.type)) {
                continue;
            }
            for(const auto& option : types_.type(backend.type).options->options()) {
                if(option.phases.contains(Phase::settings)) {
                    add(alias.str() + "." + option.name + "=", option.help);
                }
            }
        }
        add("default-backend=", "the backend to use where none is named");
    }

    void add_key_types() {
        for(const auto& name : KeySpec::known_names()) {
            if(name == "rsa-BITS") {
                for(const auto* const bits : {"2048", "3072", "4096"}) {
                    add(std::string("rsa-") + bits);
                }
            } else {
                add(name);
            }
        }
    }

    /// Values by what stands for them in help texts.
    void add_values(const Flag* flag, const std::string& prefix) {
        if(flag == nullptr || flag->takes == Takes::nothing) {
            return;
        }
        const auto& kind = flag->value;
        if(!flag->values.empty()) {
            for(const auto& value : flag->values) {
                add(value);
            }
        } else if(kind == "ALIAS") {
            add_aliases("");
        } else if(kind == "TYPE") {
            add_key_types();
        } else if(kind == "REF") {
            add_references();
        } else if(kind == "SOURCE") {
            add("env:", "a variable of the environment");
            add("file:", "a file that others cannot read");
            add("fd:", "an open file descriptor");
            add("prompt:", "asked for on the terminal");
            out_.files = typed_.starts_with("file:");
        } else if(kind == "ALIAS.OPTION=VALUE") {
            add_settings();
        } else if(kind.starts_with("FILE") || kind == "PATH") {
            out_.files = true;
        }
        for(auto& candidate : out_.words) {
            candidate.word.insert(0, prefix);
        }
    }

    void add_plain() {
        const auto& plain = line_.plain;
        if(plain.empty()) {
            for(const auto& command : all_commands()) {
                add(command.noun);
            }
            if(!help_) {
                add("help", "the help of a command");
            } else {
                add("errors", "the error classes and their exit statuses");
            }
        } else if(plain.size() == 1) {
            for(const auto& command : all_commands()) {
                if(command.noun == plain[0]) {
                    add(command.verb, command.summary);
                }
            }
        } else if(command_ != nullptr && !help_) {
            const auto& positional = plain.size() == 2 ? command_->positional : command_->second_positional;
            if(positional && plain.size() <= 3) {
                add_positional(*positional);
            }
        }
    }

    void add_positional(const Positional& positional) {
        if(positional.name == "TYPE") {
            for(const auto& type : types_.types()) {
                add(type.name, type.title);
            }
        } else if(positional.name == "TO") {
            add_aliases(":");
        } else if(positional.name == "REF" || positional.name == "FROM") {
            add_references();
        } else {
            out_.files = true;
        }
    }

    const BackendRegistry& types_;
    std::vector<std::string> before_;
    std::string typed_;
    Settings settings_;
    bool help_ = false;
    const Command* command_ = nullptr;
    std::vector<Flag> flags_;
    Line line_;
    Candidates out_;
};

}  // namespace

Candidates complete(const std::vector<std::string>& words, const BackendRegistry& types) {
    return Completer(words, types).run();
}

std::string completion_lines(const std::vector<std::string>& words, const BackendRegistry& types) {
    const auto candidates = complete(words, types);
    std::string out;
    for(const auto& candidate : candidates.words) {
        out += candidate.word + (candidate.help.empty() ? "" : "\t" + candidate.help) + "\n";
    }
    return out + (candidates.files ? ":files\n" : "");
}

}  // namespace keyway::cli
