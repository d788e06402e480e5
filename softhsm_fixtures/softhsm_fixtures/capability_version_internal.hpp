// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/modules.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::internal {

/// Whether `version` is at least `since` and before `until`, number by number: 3.9 is before 3.87.
/// An empty version is the newest; an empty bound is none.
[[nodiscard]] bool in_range(std::string_view version, std::string_view since, std::string_view until);

/// Whether some version of the module lacks one of the capabilities that it has a line for.
[[nodiscard]] bool depends_on_version(const ModuleInfo& module, const std::vector<std::string>& capabilities);

/// What CK_INFO says of the module that is installed; asked once in a process for each path.
///
/// @throws FixtureError as make_test_token()
[[nodiscard]] std::string installed_version(const ModuleInfo& module);

} // namespace softhsm_fixtures::internal
