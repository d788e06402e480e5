// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/broken_pipes_internal.hpp>

#include <cerrno>
#include <csignal>

namespace keyway::pkcs11 {

namespace {

/// How many live in this thread, and whether the first of them blocked the signal.
thread_local unsigned depth = 0;
thread_local bool blocked = false;

sigset_t only_sigpipe() noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

}  // namespace

void NoBrokenPipes::begin() noexcept {
    if(depth++ > 0) {
        return;
    }
    const auto pipe = only_sigpipe();
    sigset_t before;
    // Where it was blocked already it may be pending already: that is the program's own.
    blocked = pthread_sigmask(SIG_BLOCK, &pipe, &before) == 0 && sigismember(&before, SIGPIPE) == 0;
}

void NoBrokenPipes::end() noexcept {
    if(--depth > 0 || !blocked) {
        return;
    }
    const int kept = errno;
    const auto pipe = only_sigpipe();
    const timespec at_once{};
    while(sigtimedwait(&pipe, nullptr, &at_once) == -1 && errno == EINTR) {
    }
    pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
    blocked = false;
    errno = kept;
}

bool broken_pipes_end_the_program() noexcept {
    struct sigaction now {};
    return sigaction(SIGPIPE, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

}  // namespace keyway::pkcs11
