// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <unistd.h>
#include <utility>

namespace softhsm_fixtures::internal {

/// An open file that is closed when the object goes.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) noexcept : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

private:
    void close() noexcept {
        if (number_ >= 0) {
            ::close(number_);
        }
    }

    int number_ = -1;
};

} // namespace softhsm_fixtures::internal
