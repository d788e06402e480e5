// SPDX-License-Identifier: BSD-2-Clause
#include "progress.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace fill {

namespace {

constexpr std::chrono::milliseconds first_after{1000};
constexpr std::chrono::milliseconds between{200};

} // namespace

Progress::Progress(std::size_t all)
    : all_(all), wanted_(::isatty(STDERR_FILENO) != 0), next_(Clock::now() + first_after) {}

Progress::~Progress() {
    if (shown_) {
        std::fputs("\r\033[K", stderr);
    }
}

void Progress::made(std::size_t more) {
    done_ += more;
    if (!wanted_ || Clock::now() < next_) {
        return;
    }
    next_ = Clock::now() + between;
    shown_ = true;
    std::fprintf(stderr, "\rsofthsm-fixture: fills the token: %zu of %zu objects", std::min(done_, all_), all_);
    std::fflush(stderr);
}

} // namespace fill
