// SPDX-License-Identifier: BSD-2-Clause
#include "hardening.hpp"

#include <keyway/core/error.hpp>

#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace keyway::cli {

void harden_process() {
    // A core dump holds PINs, passphrases and private keys, and lands on a disk or goes to a crash reporter.
    // Not dumpable also keeps other processes of the same user from reading this one's memory.
    constexpr rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    // Writing to a pipe that nobody reads, or beyond the largest file allowed, is an error like any other, told
    // with an exit status of its own.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
}

void require_standard_descriptors() {
    const bool has_output = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    int opened = 0;
    do {
        opened = ::open("/dev/null", O_RDWR | O_NOCTTY);
    } while(opened >= 0 && opened <= STDERR_FILENO);
    if(opened > STDERR_FILENO) {
        ::close(opened);
    }
    if(!has_output) {
        throw Error(Errc::storage_failed, "standard output is closed", "nothing was done");
    }
}

}  // namespace keyway::cli
