// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-guard COMMAND ARGUMENT...
//
// Runs COMMAND as long as standard input is open: a program holds the other end of that pipe, so the command ends
// with the program, however that ends. Exits with the command's status when it ends by itself.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace {

volatile std::sig_atomic_t asked_to_end = 0;

void note_signal(int number) {
    if (number != SIGCHLD) {
        asked_to_end = 1;
    }
}

[[noreturn]] void become(char** command, const sigset_t& mask, pid_t guard) {
#if defined(__linux__)
    // Should the guard itself be killed. It has one thread, so its end is the process's end.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (::getppid() != guard) {
        std::_Exit(1);
    }
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(command[0], command);
    std::fprintf(stderr, "softhsm-fixture-guard: cannot run \"%s\": %s\n", command[0], std::strerror(errno));
    std::_Exit(127);
}

/// Waits until there is something to do: the pipe closed, the child gone, a signal.
[[nodiscard]] bool pipe_is_done(const sigset_t& mask) {
    fd_set waiting;
    FD_ZERO(&waiting);
    FD_SET(STDIN_FILENO, &waiting);
    const int ready = ::pselect(STDIN_FILENO + 1, &waiting, nullptr, nullptr, nullptr, &mask);
    return ready > 0 || (ready < 0 && errno != EINTR);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: softhsm-fixture-guard COMMAND ARGUMENT...\n", stderr);
        return 2;
    }
    // Signals arrive only inside pselect: none is lost between a look and the wait.
    sigset_t watched;
    sigset_t mask;
    sigemptyset(&watched);
    struct sigaction action {};
    action.sa_handler = note_signal;
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&watched, number);
        ::sigaction(number, &action, nullptr);
    }
    ::sigprocmask(SIG_BLOCK, &watched, &mask);

    const pid_t guard = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        std::perror("softhsm-fixture-guard: fork");
        return 1;
    }
    if (child == 0) {
        become(argv + 1, mask, guard);
    }
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (pipe_is_done(mask) || asked_to_end != 0) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            return 0;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
