// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace softhsm_fixtures::command {

/// A module as p11-kit is to see it.
struct P11KitRequest {
    std::string name; ///< of the module file, without its ending; one of the same name of the machine's is replaced
    std::filesystem::path module;
    std::optional<std::string> init_arguments;
};

/// Makes `folder` into a folder for XDG_CONFIG_HOME: all that the user's own one has, by links, but with this module.
///
/// @throws Failure when it cannot be made
void make_p11_kit_config(const std::filesystem::path& folder, const P11KitRequest& request);

} // namespace softhsm_fixtures::command
