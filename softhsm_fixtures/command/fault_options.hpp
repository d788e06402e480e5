// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "variables.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// What is asked of the fault module on the command line.
struct FaultRequest {
    std::optional<std::string> plan; ///< path
    std::vector<std::string> profiles;
    std::vector<std::string> faults; ///< in the short form
    std::optional<std::string> seed;
    std::optional<std::string> log;
    std::optional<std::string> counters;
    std::optional<std::string> control;
    bool in_front = false; ///< also when nothing fails yet

    [[nodiscard]] bool asks_for_module() const noexcept {
        return in_front || plan || seed || log || counters || control || !profiles.empty() || !faults.empty();
    }
};

/// Refuses what the fault module would refuse, before anything is made or loaded.
///
/// @throws Failure with the list of known names
void check_faults(const FaultRequest& request);

/// The module that the fault module stands in front of.
struct RealModule {
    std::filesystem::path path;
    std::string init_arguments; ///< empty: none
};

/// Sets the variables that the fault module reads. Its log, counters and control file are in `folder`, unless the request
/// or its plan names other files.
///
/// @throws Failure
void set_fault_variables(Variables& variables, const FaultRequest& request, const RealModule& module,
                         const std::filesystem::path& folder);

/// `softhsm-fixture check-plan`
///
/// @throws Failure when the plan is refused
void check_plan(const std::string& path);

/// `softhsm-fixture fault`: checks a control line and adds it to the control file.
///
/// @throws Failure when it is refused
void add_control_line(const std::filesystem::path& control, const std::string& line);

} // namespace softhsm_fixtures::command
