// SPDX-License-Identifier: BSD-2-Clause
#include "prompt.hpp"

#include "signals.hpp"
#include "terminal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace keyway::cli {

namespace {

constexpr std::size_t longest_line = 4096;

constexpr std::array fatal_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGALRM};

// A signal handler reaches nothing else.
volatile std::sig_atomic_t signal_seen = 0;

extern "C" void note_signal(int number) {
    signal_seen = number;
}

/// The controlling terminal, whatever standard input and output are.
class ControllingTerminal {
public:
    ControllingTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
    ControllingTerminal(const ControllingTerminal&) = delete;
    ControllingTerminal& operator=(const ControllingTerminal&) = delete;
    ~ControllingTerminal() {
        if(fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] bool is_there() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int fd() const noexcept { return fd_; }

    void write(std::string_view text) const noexcept {
        // A terminal that cannot be written to cannot be read from either; reading tells.
        [[maybe_unused]] const auto done = ::write(fd_, text.data(), text.size());
    }

    /// One line without its end, or nothing at the end of input or when a signal came.
    /// @param waiting the signals that are blocked while waiting
    [[nodiscard]] std::optional<Secret> read_line(const sigset_t& waiting) const {
        Botan::secure_vector<std::uint8_t> line;
        line.reserve(longest_line);
        while(line.size() < longest_line) {
            pollfd input{fd_, POLLIN, 0};
            if(::ppoll(&input, 1, nullptr, &waiting) < 0) {
                if(errno == EINTR && signal_seen == 0) {
                    continue;
                }
                return std::nullopt;
            }
            std::uint8_t byte = 0;
            if(::read(fd_, &byte, 1) <= 0) {
                return std::nullopt;
            }
            if(byte == '\n') {
                return Secret(std::move(line));
            }
            line.push_back(byte);
        }
        return std::nullopt;
    }

private:
    int fd_;
};

/// Turns echo off while it lives. A signal that would end or stop the process is let through only while
/// waiting for input, so that none is missed between looking and waiting; it takes its course when echo is on
/// again.
class EchoOff {
public:
    explicit EchoOff(int fd) : fd_(fd), waiting_mask_(mask_for_waiting()) {
        signal_seen = 0;
        sigset_t blocked;
        sigemptyset(&blocked);
        struct sigaction action {};
        action.sa_handler = note_signal;
        for(std::size_t i = 0; i < fatal_signals.size(); ++i) {
            sigaddset(&blocked, fatal_signals[i]);
            ::sigaction(fatal_signals[i], &action, &old_actions_[i]);
            if(old_actions_[i].sa_handler == SIG_IGN) {
                ::sigaction(fatal_signals[i], &old_actions_[i], nullptr);
            }
        }
        ::pthread_sigmask(SIG_BLOCK, &blocked, &old_mask_);
        if(::tcgetattr(fd_, &old_modes_) == 0) {
            auto modes = old_modes_;
            modes.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
            changed_ = ::tcsetattr(fd_, TCSAFLUSH, &modes) == 0;
        }
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;
    ~EchoOff() {
        if(changed_) {
            ::tcsetattr(fd_, TCSAFLUSH, &old_modes_);
        }
        for(std::size_t i = 0; i < fatal_signals.size(); ++i) {
            ::sigaction(fatal_signals[i], &old_actions_[i], nullptr);
        }
        if(const int number = signal_seen; number != 0) {
            signal_seen = 0;
            ::raise(number);
            ::pthread_sigmask(SIG_SETMASK, &waiting_mask_, nullptr);
        }
        ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    }

    [[nodiscard]] bool is_off() const noexcept { return changed_; }
    [[nodiscard]] const sigset_t& waiting_mask() const noexcept { return waiting_mask_; }

private:
    int fd_;
    bool changed_ = false;
    termios old_modes_{};
    sigset_t waiting_mask_;
    sigset_t old_mask_{};
    std::array<struct sigaction, fatal_signals.size()> old_actions_{};
};

std::optional<Secret> ask_on(const ControllingTerminal& terminal, const std::string& question) {
    const EchoOff echo_off(terminal.fd());
    if(!echo_off.is_off()) {
        return std::nullopt;
    }
    terminal.write(visible(question) + ": ");
    auto answer = terminal.read_line(echo_off.waiting_mask());
    terminal.write("\n");
    if(!answer) {
        throw Error(Errc::secret_unavailable, "the " + question + " was asked for and not given");
    }
    return answer;
}

std::optional<Secret> from_environment(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional(Secret(std::string_view(value)));
}

}  // namespace

std::optional<Secret> ask(const std::string& question, Asking asking) {
    const ControllingTerminal terminal;
    if(!terminal.is_there()) {
        return std::nullopt;
    }
    auto first = ask_on(terminal, question);
    if(!first || first->empty() || asking == Asking::once) {
        return first;
    }
    const auto second = ask_on(terminal, question + " (again)");
    if(second && first->reveal() != second->reveal()) {
        throw Error(Errc::secret_unavailable, "the two answers for the " + question + " differ", "try again");
    }
    return first;
}

std::optional<Secret> Questions::answer(const std::string& question) {
    if(const auto known = answers_.find(question); known != answers_.end()) {
        return known->second.clone();
    }
    auto given = ask(question, asking_);
    if(given) {
        answers_.emplace(question, given->clone());
    }
    return given;
}

SecretReader secret_reader(SecretReader::Prompt prompt) {
    return {from_environment, std::move(prompt)};
}

bool can_ask() {
    return ControllingTerminal().is_there();
}

bool confirm(const std::string& question) {
    const ControllingTerminal terminal;
    if(!terminal.is_there()) {
        throw Error(Errc::usage, "there is no terminal to ask on: " + question,
                    "say so beforehand with --yes");
    }
    terminal.write(visible(question) + " [y/N] ");
    const auto answer = terminal.read_line(mask_for_waiting());
    return answer && (answer->reveal() == "y" || answer->reveal() == "Y" || answer->reveal() == "yes");
}

}  // namespace keyway::cli
