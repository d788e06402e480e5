// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "fixture.hpp"

#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// `softhsm-fixture run`
struct RunRequest {
    FixtureRequest fixture;
    std::vector<std::string> command; ///< never empty
    bool keep = false;
    bool keep_on_failure = false;
};

/// Makes the fixture, runs the command in it and cleans up; returns the command's exit status.
///
/// @throws Failure
[[nodiscard]] int run(const RunRequest& request);

/// `softhsm-fixture shell`: the same with an interactive shell.
///
/// @throws Failure
[[nodiscard]] int shell(const FixtureRequest& request);

/// `softhsm-fixture env`: makes the fixture, leaves it and prints how to reach it.
///
/// @throws Failure
void print_environment(const FixtureRequest& request, Format format);

} // namespace softhsm_fixtures::command
