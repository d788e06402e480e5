// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command_line.hpp"

#include <keyway/config/settings.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace keyway::cli {

/// The settings that a call works with, and where they came from.
struct Configuration {
    Settings settings;
    std::optional<std::filesystem::path> file;  ///< nothing when there is no file
};

/// Finds and reads the settings, then adds what the command line says with --set.
///
/// The first of: --config, $KEYWAY_CONFIG, ./keyway.json, $XDG_CONFIG_HOME/keyway/keyway.json (~/.config), and
/// /etc/keyway/keyway.json. A file that is named has to be there.
/// @throws what read_settings throws; Errc::invalid_option when a --set is malformed
[[nodiscard]] Configuration load_configuration(const Globals& globals);

}  // namespace keyway::cli
