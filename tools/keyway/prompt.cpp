// SPDX-License-Identifier: BSD-2-Clause
#include "prompt.hpp"

#include "terminal.hpp"

#include <keyway/core/error.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace keyway::cli {

namespace {

constexpr std::size_t longest_line = 4096;

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
    [[nodiscard]] std::optional<Secret> read_line() const {
        Botan::secure_vector<std::uint8_t> line;
        line.reserve(longest_line);
        while(line.size() < longest_line) {
            std::uint8_t byte = 0;
            const auto got = ::read(fd_, &byte, 1);
            if(got < 0 && errno == EINTR && signal_seen == 0) {
                continue;
            }
            if(got <= 0) {
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

/// Turns echo off while it lives. A signal that would end or stop the process meanwhile is held until echo is on
/// again, and then takes its course.
class EchoOff {
public:
    explicit EchoOff(int fd) : fd_(fd) {
        struct sigaction action {};
        action.sa_handler = note_signal;  // without SA_RESTART, so that the read ends
        signal_seen = 0;
        for(std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], &action, &old_actions_[i]);
            if(old_actions_[i].sa_handler == SIG_IGN) {
                ::sigaction(signals[i], &old_actions_[i], nullptr);
            }
        }
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
        for(std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], &old_actions_[i], nullptr);
        }
        if(const int number = signal_seen; number != 0) {
            signal_seen = 0;
            ::raise(number);
        }
    }

    [[nodiscard]] bool is_off() const noexcept { return changed_; }

private:
    static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGALRM};

    int fd_;
    bool changed_ = false;
    termios old_modes_{};
    std::array<struct sigaction, signals.size()> old_actions_{};
};

std::optional<Secret> ask(const ControllingTerminal& terminal, const std::string& question) {
    const EchoOff echo_off(terminal.fd());
    if(!echo_off.is_off()) {
        return std::nullopt;
    }
    terminal.write(printable(question) + ": ");
    auto answer = terminal.read_line();
    terminal.write("\n");
    if(!answer) {
        throw Error(Errc::secret_unavailable, "the " + question + " was asked for and not given");
    }
    return answer;
}

std::optional<Secret> ask_once(const std::string& question) {
    const ControllingTerminal terminal;
    return terminal.is_there() ? ask(terminal, question) : std::nullopt;
}

std::optional<Secret> ask_twice(const std::string& question) {
    const ControllingTerminal terminal;
    if(!terminal.is_there()) {
        return std::nullopt;
    }
    auto first = ask(terminal, question);
    const auto second = ask(terminal, question + " (again)");
    if(first && second && first->reveal() != second->reveal()) {
        throw Error(Errc::secret_unavailable, "the two answers for the " + question + " differ", "try again");
    }
    return first;
}

std::optional<Secret> from_environment(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional(Secret(std::string_view(value)));
}

}  // namespace

SecretReader secret_reader(Asking asking) {
    return {from_environment, asking == Asking::once ? ask_once : ask_twice};
}

bool can_ask() {
    return ControllingTerminal().is_there();
}

bool confirm(const std::string& question) {
    const ControllingTerminal terminal;
    if(!terminal.is_there()) {
        throw Error(Errc::usage, "there is no terminal to ask on: " + question, "say so beforehand with --yes");
    }
    terminal.write(printable(question) + " [y/N] ");
    const auto answer = terminal.read_line();
    return answer && (answer->reveal() == "y" || answer->reveal() == "Y" || answer->reveal() == "yes");
}

}  // namespace keyway::cli
