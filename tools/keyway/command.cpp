// SPDX-License-Identifier: BSD-2-Clause
#include "command.hpp"
#include "commands/commands.hpp"

#include <keyway/core/error.hpp>

#include <charconv>
#include <utility>

namespace keyway::cli {

Arguments::Arguments(Values flags, std::optional<std::string> positional, std::optional<std::string> second_positional)
    : flags_(std::move(flags)),
      positional_(std::move(positional)),
      second_positional_(std::move(second_positional)) {}

bool Arguments::has(std::string_view flag) const {
    return flags_.contains(flag);
}

std::optional<std::string> Arguments::value(std::string_view flag) const {
    const auto& all = values(flag);
    return all.empty() ? std::nullopt : std::optional(all.front());
}

const std::vector<std::string>& Arguments::values(std::string_view flag) const {
    static const std::vector<std::string> none;
    const auto found = flags_.find(flag);
    return found == flags_.end() ? none : found->second;
}

std::string Arguments::required(std::string_view flag) const {
    auto found = value(flag);
    if(!found) {
        throw Error(Errc::internal,
                    "the flag --" + std::string(flag) + " was not required of the command line");
    }
    return std::move(*found);
}

std::optional<unsigned long> Arguments::number(std::string_view flag, unsigned long least,
                                               unsigned long most) const {
    const auto text = value(flag);
    if(!text) {
        return std::nullopt;
    }
    unsigned long number = 0;
    const auto* const end = text->data() + text->size();
    const auto result = std::from_chars(text->data(), end, number);
    if(result.ec != std::errc{} || result.ptr != end || number < least || number > most) {
        throw Error(Errc::usage, "--" + std::string(flag) + " wants a whole number from " +
                                     std::to_string(least) + " to " + std::to_string(most));
    }
    return number;
}

const std::vector<Flag>& global_flags() {
    static const std::vector<Flag> flags{
        {.name = "config", .value = "FILE", .help = "the settings to use"},
        {.name = "set",
         .takes = Takes::many,
         .value = "ALIAS.OPTION=VALUE",
         .help = "add to the settings, or change them, for this call; also default-backend=ALIAS"},
        {.name = "audit",
         .value = "FILE",
         .help = "add a line to this file for each use of a key, before its result is handed out; goes before \"audit\" in the "
                 "settings"},
        {.name = "json", .takes = Takes::nothing, .help = "print one JSON object instead of text"},
        {.name = "help", .takes = Takes::nothing, .help = "print this; also -h"},
        {.name = "version", .takes = Takes::nothing, .help = "print the version"},
    };
    return flags;
}

const std::vector<Command>& all_commands() {
    static const std::vector<Command> commands{
        key_create_command(),   key_store_command(),    key_list_command(),   key_show_command(),
        key_check_command(),    key_sign_command(),     key_adopt_command(),  key_migrate_command(),
        key_rewrap_command(),   key_remove_command(),   key_certificate_command(), ca_create_command(),
        cert_issue_command(),   crl_issue_command(),    token_init_command(), token_list_command(),
        token_login_command(),  token_quirks_command(), token_probe_command(), backend_list_command(),
        backend_show_command(), config_check_command(), config_explain_command(), config_path_command(),
        completion_bash_command(), completion_zsh_command(), completion_fish_command(),
    };
    return commands;
}

}  // namespace keyway::cli
