// SPDX-License-Identifier: BSD-2-Clause
#include "guardian.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <system_error>
#include <sys/wait.h>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

// Out of the way of scripts that use the small numbers.
constexpr int least_descriptor = 60;

[[noreturn]] void guard(int pipe, const std::filesystem::path& folder) {
    ::setsid();
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE}) {
        ::signal(signal, SIG_IGN);
    }
    // Whoever reads what the command prints must not have to wait for this process.
    if (const int null = ::open("/dev/null", O_RDWR); null >= 0) {
        for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(null, standard);
        }
    }
    char byte = 0;
    ssize_t got = 0;
    do {
        got = ::read(pipe, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    ::_exit(0);
}

} // namespace

Guardian::Guardian(const std::filesystem::path& folder) {
    // Without one, all is as ever but after SIGKILL: no reason to fail.
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return;
    }
    const pid_t process = ::fork();
    if (process == 0) {
        ::close(ends[1]);
        guard(ends[0], folder);
    }
    ::close(ends[0]);
    const int moved = ::fcntl(ends[1], F_DUPFD, least_descriptor);
    if (moved >= 0) {
        ::close(ends[1]);
    }
    pipe_ = moved >= 0 ? moved : ends[1];
    process_ = process;
}

Guardian::~Guardian() {
    if (pipe_ < 0) {
        return;
    }
    if (process_ > 0 && ::write(pipe_, "", 1) == 1) {
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    ::close(pipe_);
}

} // namespace softhsm_fixtures::command
