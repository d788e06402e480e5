// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace softhsm_fixtures::internal {

/// A process that ends with this object, and with this program however that ends, a crash included.
///
/// A small guard program stands in between: it ends the process when the pipe to it closes. (PR_SET_PDEATHSIG
/// alone would be bound to the thread that made the token, which may end before the token does.) It has a process
/// group of its own: an interrupt from the terminal does not reach it before the program had its say.
/// A forked child that runs the destructor ends nothing.
///
/// @threadsafety one thread at a time
class GuardedProcess {
public:
    /// Starts it; what it writes goes to the file `log`.
    ///
    /// @throws InitialisationFailed when it cannot be started
    GuardedProcess(const std::vector<std::string>& command, const std::filesystem::path& log);
    ~GuardedProcess();
    GuardedProcess(const GuardedProcess&) = delete;
    GuardedProcess& operator=(const GuardedProcess&) = delete;

    /// Whether it has not ended by itself.
    [[nodiscard]] bool running();

private:
    pid_t owner_;
    pid_t guard_ = 0; // 0: has ended
    int pipe_ = -1;
};

} // namespace softhsm_fixtures::internal
