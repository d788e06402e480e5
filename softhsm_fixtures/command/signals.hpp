// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <csignal>
#include <optional>

namespace softhsm_fixtures::command {

/// A signal that came, and whether the command has got it as well.
struct ReceivedSignal {
    int number = 0;
    /// A terminal sends to every process of its foreground group, the command among them.
    bool from_terminal = false;
};

/// From here on INT, TERM, HUP, QUIT, USR1 and USR2 do not end this process but are noted, so that it can clean up.
/// One that was ignored when the process began (nohup, a background job) stays ignored, for the command too.
///
/// @throws std::system_error
void note_signals();

/// The next signal noted and not yet taken, if there is one.
[[nodiscard]] std::optional<ReceivedSignal> take_signal() noexcept;

/// Whether a signal waits to be taken.
[[nodiscard]] bool signal_is_waiting() noexcept;

/// Holds back the noted signals and SIGCHLD as long as it lives.
class SignalsHeldBack {
public:
    SignalsHeldBack();
    ~SignalsHeldBack();
    SignalsHeldBack(const SignalsHeldBack&) = delete;
    SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

    /// The mask from before, for the command.
    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

    /// Waits until one of them comes.
    void wait() const noexcept;

    /// Notes those that came meanwhile, without waiting.
    void let_through() const noexcept;

private:
    sigset_t before_{};
};

/// Ends this process by the signal, as if it had never been noted.
[[noreturn]] void die_of(int signal);

} // namespace softhsm_fixtures::command
