// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <csignal>
#include <stdexcept>
#include <sys/resource.h>

namespace keyway::test {

/// As long as it lives, this process cannot make a file longer than some bytes; what goes beyond fails as on a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        if(::getrlimit(RLIMIT_FSIZE, &before_) != 0) {
            throw std::runtime_error("getrlimit");
        }
        const rlimit limit{bytes, before_.rlim_max};
        if(::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            throw std::runtime_error("setrlimit");
        }
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    using Handler = void (*)(int);

    Handler handler_;
    rlimit before_{};
};

}  // namespace keyway::test
