// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "child.hpp"
#include "fixture.hpp"

#include <filesystem>

namespace softhsm_fixtures::command {

/// The user's shell, $SHELL or sh.
///
/// @throws Failure when it cannot be executed
[[nodiscard]] std::filesystem::path find_shell();

/// How that shell is started in the fixture, with a prompt that says so; prints a note when somebody is there to read it.
[[nodiscard]] ChildRequest shell_request(const std::filesystem::path& shell, const Fixture& fixture);

} // namespace softhsm_fixtures::command
