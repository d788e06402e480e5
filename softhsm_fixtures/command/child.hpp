// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// What to run.
struct ChildRequest {
    std::filesystem::path program; ///< from find_program()
    std::vector<std::string> arguments; ///< with its name first
    std::vector<std::string> environment;
    /// An interactive shell takes no notice of TERM; HUP ends it.
    bool hang_up_for_term = false;
};

/// How it ended.
struct Ending {
    int status = 0; ///< its exit status, or 128 and the number of the signal that ended it
    int signal = 0; ///< that signal, or 0
    bool interrupted_at_terminal = false; ///< the terminal sent INT or QUIT, and it died of that
};

/// Finds a command as a shell does: by PATH unless there is a slash in it.
///
/// @throws Failure with status 127 when there is none, 126 when it cannot be executed
[[nodiscard]] std::filesystem::path find_program(const std::string& name);

/// Runs a command in this process's group, so that the terminal's job control reaches both, and waits for it. Signals
/// that other processes send are handed on; those of the terminal it has got already.
///
/// note_signals() comes before.
///
/// @throws Failure with status 126 when it cannot be executed
[[nodiscard]] Ending run_child(const ChildRequest& request);

} // namespace softhsm_fixtures::command
