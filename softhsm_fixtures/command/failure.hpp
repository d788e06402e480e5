// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <stdexcept>
#include <string>

namespace softhsm_fixtures::command {

/// Exit statuses of its own, as env(1) and timeout(1) have them.
struct Status {
    static constexpr int failed = 125;
    static constexpr int not_executable = 126;
    static constexpr int not_found = 127;
    static constexpr int signalled = 128; ///< plus the signal's number
    static constexpr int skipped = 77;    ///< what automake, meson and (told so) CTest take for a skipped test
};

/// Ends the command with a message and a status of its own.
class Failure : public std::runtime_error {
public:
    Failure(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
    [[nodiscard]] int status() const noexcept { return status_; }

private:
    int status_;
};

} // namespace softhsm_fixtures::command
