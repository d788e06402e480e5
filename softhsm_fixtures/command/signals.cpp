// SPDX-License-Identifier: BSD-2-Clause
#include "signals.hpp"

#include "failure.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

constexpr std::array noted = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

// A signal handler can reach nothing but globals. 0: none; 1: from a process; 2: from the terminal.
std::array<volatile std::sig_atomic_t, noted.size()> waiting{};

[[nodiscard]] bool came_from_terminal(int signal, const siginfo_t& info) noexcept {
    // A terminal that goes away tells nobody but the leader of its session.
    if (signal != SIGINT && signal != SIGQUIT) {
        return false;
    }
#ifdef SI_KERNEL
    return info.si_code == SI_KERNEL;
#else
    return info.si_pid == 0;
#endif
}

extern "C" void note(int signal, siginfo_t* info, void* /*context*/) {
    for (std::size_t i = 0; i < noted.size(); ++i) {
        if (noted[i] == signal) {
            waiting[i] = info != nullptr && came_from_terminal(signal, *info) ? 2 : 1;
        }
    }
}

extern "C" void wake(int /*signal*/) {}

void handle(int signal, const struct sigaction& action) {
    if (::sigaction(signal, &action, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "sigaction");
    }
}

} // namespace

void note_signals() {
    for (const int signal : noted) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
            continue;
        }
        action = {};
        action.sa_sigaction = note;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        ::sigemptyset(&action.sa_mask);
        handle(signal, action);
    }
    // Also where it was ignored: else nobody could be waited for.
    struct sigaction child {};
    child.sa_handler = wake;
    child.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    ::sigemptyset(&child.sa_mask);
    handle(SIGCHLD, child);
}

std::optional<ReceivedSignal> take_signal() noexcept {
    for (std::size_t i = 0; i < noted.size(); ++i) {
        if (waiting[i] != 0) {
            const bool from_terminal = waiting[i] == 2;
            waiting[i] = 0;
            return ReceivedSignal{noted[i], from_terminal};
        }
    }
    return std::nullopt;
}

bool signal_is_waiting() noexcept {
    for (const auto& signal : waiting) {
        if (signal != 0) {
            return true;
        }
    }
    return false;
}

SignalsHeldBack::SignalsHeldBack() {
    sigset_t held;
    ::sigemptyset(&held);
    for (const int signal : noted) {
        ::sigaddset(&held, signal);
    }
    ::sigaddset(&held, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &held, &before_);
}

SignalsHeldBack::~SignalsHeldBack() {
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void SignalsHeldBack::wait() const noexcept {
    // Also where the caller holds it back: else nobody could be waited for.
    sigset_t waiting_for = before_;
    ::sigdelset(&waiting_for, SIGCHLD);
    ::sigsuspend(&waiting_for);
}

void SignalsHeldBack::let_through() const noexcept {
    sigset_t held;
    ::sigprocmask(SIG_SETMASK, &before_, &held);
    ::sigprocmask(SIG_SETMASK, &held, nullptr);
}

void die_of(int signal) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
    ::kill(::getpid(), signal);
    std::_Exit(Status::signalled + signal);
}

} // namespace softhsm_fixtures::command
