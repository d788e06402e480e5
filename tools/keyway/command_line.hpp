// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// The command line after its first look: the flags for every command, taken out from wherever they stood.
struct Globals {
    std::optional<std::string> config;
    std::vector<std::string> sets;
    std::optional<std::string> audit;
    bool json = false;
    bool help = false;
    bool version = false;
    std::vector<std::string> rest;  ///< everything else, in its order
};

/// The name of a flag that nobody knows, for a message; what might be a value stuck to it is left out.
[[nodiscard]] std::string flag_name(std::string_view argument);

/// @throws Errc::usage
[[nodiscard]] Globals parse_globals(const std::vector<std::string>& arguments);

/// Parses the arguments after noun and verb.
///
/// No message repeats an argument other than a flag's name: any other might be a secret.
/// @param flags the command's own and those of backends
/// @throws Errc::usage
[[nodiscard]] Arguments parse_arguments(const Command& command, const std::vector<Flag>& flags,
                                        const std::vector<std::string>& arguments);

}  // namespace keyway::cli
