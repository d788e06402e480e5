// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command_line.hpp"

#include <keyway/config/settings.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// A place where settings are looked for.
struct SettingsPlace {
    enum class State {
        used,
        missing,       ///< looked at; there is no file
        not_looked_at  ///< one before it was used
    };
    std::string from;  ///< "--config", "$KEYWAY_CONFIG", "current folder", "user", "system"
    std::filesystem::path path;
    State state = State::not_looked_at;
};

/// The settings that a call works with, and where they came from.
struct Configuration {
    Settings settings;
    std::optional<std::filesystem::path> file;  ///< nothing when there is no file
    std::vector<SettingsPlace> places;          ///< in the order of looking
    std::vector<Error> faults{};                ///< of no single backend, where they are gathered
};

enum class Faults {
    end,    ///< the first one is thrown
    gather  ///< they are told together; what is at fault is left out
};

/// What to do where a backend is asked for and there are no settings.
inline constexpr std::string_view no_settings_hint =
    "no settings file was found; write keyway.json or give --config";

/// The aliases of the backends, with commas between.
[[nodiscard]] std::string aliases_in(const Settings& settings);

/// Finds and reads the settings, then adds what the command line says with --set.
///
/// The first of: --config, $KEYWAY_CONFIG, ./keyway.json, $XDG_CONFIG_HOME/keyway/keyway.json (~/.config),
/// and /etc/keyway/keyway.json. A file that is named has to be there.
/// ./keyway.json is taken only where nobody else can have put it there or can change it: it names the module
/// that is loaded.
/// @throws Errc::permissions_insecure when somebody else could; what read_settings throws;
/// Errc::invalid_option when a --set is malformed
[[nodiscard]] Configuration load_configuration(const Globals& globals, Faults faults = Faults::end);

}  // namespace keyway::cli
