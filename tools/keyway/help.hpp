// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"
#include "configuration.hpp"

#include <keyway/key/backend_registry.hpp>

#include <string>

namespace keyway::cli {

/// What a bare `keyway` says: what to do next.
[[nodiscard]] std::string first_words(const Configuration& configuration);

/// All commands, one line each.
[[nodiscard]] std::string overview();

/// The commands of one noun.
[[nodiscard]] std::string help_of_noun(const std::string& noun);

/// All of one command, with the options of the backends that the settings name, or of all types.
[[nodiscard]] std::string help_of(const Command& command, const BackendRegistry& types,
                                  const Settings& settings);

/// The table of error classes and exit statuses.
[[nodiscard]] std::string errors_text();
[[nodiscard]] std::string errors_json();

/// The same for programs, as one JSON object: the commands (of one noun, where it is given) and the flags of every command.
[[nodiscard]] std::string overview_json(const std::string& noun);
/// One command: its flags, and the options of backends that it takes.
[[nodiscard]] std::string help_json(const Command& command, const BackendRegistry& types);

}  // namespace keyway::cli
