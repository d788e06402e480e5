// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// An option of a subcommand.
struct KnownOption {
    std::vector<std::string> names; ///< `-v`, `--verbose`
    std::string value;              ///< what it takes, in a word; empty: nothing
};

/// A subcommand, or with an empty name what is before one.
struct KnownCommand {
    std::string name;
    std::vector<KnownOption> options;
    std::size_t most_words = 0; ///< that are no options
    int wrong_use = 2;          ///< exit status
};

/// A command line, cut at its first "--".
struct CommandLine {
    std::vector<std::string> arguments;
    std::vector<std::string> program; ///< what is behind it
    bool separated = false;           ///< whether it is there
};

[[nodiscard]] CommandLine cut_at_separator(std::vector<std::string> arguments);

/// Refuses what no subcommand knows, with the nearest name and all known ones: a parser of options that does not know
/// what they are for can only say that something is wrong.
///
/// @throws Failure
void check_arguments(const CommandLine& line, const std::vector<KnownCommand>& commands);

} // namespace softhsm_fixtures::command
