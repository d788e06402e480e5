// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/modules.hpp>

#include <string>
#include <vector>

namespace softhsm_fixtures::internal {

/// What a file of data/modules says.
struct ModuleData {
    std::string name;
    std::string summary;
    std::string variable;
    std::string install_hint;
    std::vector<std::string> places;
    std::vector<std::string> measured;
    std::vector<Capability> capabilities;
    std::vector<Quirk> quirks;
};

/// All files of data/modules, made a part of the library when it is built.
[[nodiscard]] const std::vector<ModuleData>& module_data();

/// The names in data/capabilities.json.
[[nodiscard]] const std::vector<std::string>& capability_names();

} // namespace softhsm_fixtures::internal
