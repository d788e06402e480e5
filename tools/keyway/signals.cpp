// SPDX-License-Identifier: BSD-2-Clause
#include "signals.hpp"

#include <array>

namespace keyway::cli {

namespace {

constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void change_mask(int how) {
    sigset_t signals;
    sigemptyset(&signals);
    for(const int number : ending_signals) {
        sigaddset(&signals, number);
    }
    ::pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void hold_signals() {
    change_mask(SIG_BLOCK);
}

void let_signals_through() {
    change_mask(SIG_UNBLOCK);
}

sigset_t mask_for_waiting() {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for(const int number : ending_signals) {
        sigdelset(&mask, number);
    }
    return mask;
}

}  // namespace keyway::cli
