// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <unistd.h>

namespace keyway {

/// Owns an open file descriptor; a negative one is none.
class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if(fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

}  // namespace keyway
