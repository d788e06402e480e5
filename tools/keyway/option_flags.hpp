// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

#include <keyway/config/settings.hpp>
#include <keyway/key/backend_registry.hpp>
#include <keyway/options/option_values.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keyway::cli {

/// A flag that carries an option of a backend: plain (`--label`), for the backend that the command works
/// with, or with an alias in front (`--hsm-label`), for that backend.
struct OptionFlag {
    Flag flag;
    std::string option;
    std::optional<BackendAlias> alias;  ///< nothing for a plain flag
};

/// The flags that the option tables give a command.
///
/// There is one for every option of every phase, so that one in the wrong place can be told where it belongs.
/// The command's own flags come first, then plain ones, then those with an alias; the alias "default" has
/// none, nor has a backend of an unknown type.
[[nodiscard]] std::vector<OptionFlag> option_flags(const Command& command, const BackendRegistry& types,
                                                   const Settings& settings);

/// The plain flags of one backend type that belong to a phase, for a help text.
[[nodiscard]] std::vector<Flag> option_flags_of(const BackendType& type, Phase phase, const Command& command);

/// What the command line gives to backends: assigned to those that a command works with.
///
/// A plain flag belongs to the one of them that has such an option.
/// @param by_alias backends that take only flags with their alias in front
/// @throws Errc::usage when a flag is for a backend that the command does not work with, for two of them at
/// once, or is given both plain and with the alias
[[nodiscard]] std::map<BackendAlias, RawOptions> assign_options(const std::vector<OptionFlag>& flags,
                                                                const Arguments& arguments,
                                                                const std::vector<BackendAlias>& backends,
                                                                const std::vector<BackendAlias>& by_alias,
                                                                const BackendRegistry& types,
                                                                const Settings& settings);

}  // namespace keyway::cli
