// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <csignal>

namespace keyway::cli {

/// Holds back the signals that end a program from outside (SIGINT, SIGTERM, SIGHUP, SIGQUIT) until they are
/// let through: in the middle of a login or a write, they could destroy what a token or a file holds.
void hold_signals();

/// Lets them through again; one that came meanwhile ends the process here, with its usual status.
void let_signals_through();

/// The signal mask for a call that waits, for a person or for input: what ends a program ends it there.
[[nodiscard]] sigset_t mask_for_waiting();

/// Lets the signals through while it lives.
class SignalsLetThrough {
public:
    SignalsLetThrough() { let_signals_through(); }
    SignalsLetThrough(const SignalsLetThrough&) = delete;
    SignalsLetThrough& operator=(const SignalsLetThrough&) = delete;
    ~SignalsLetThrough() { hold_signals(); }
};

}  // namespace keyway::cli
