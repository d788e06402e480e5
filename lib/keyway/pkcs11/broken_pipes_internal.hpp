// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <utility>

namespace keyway::pkcs11 {

/// While one lives, its thread is not told by SIGPIPE, which ends a program that does not ignore it, that a socket has nobody
/// at its other end any more: modules that talk to a service write into one when the service died.
///
/// Only this thread and only this signal; one inside another, of whatever module, costs an addition. What the program set
/// for the signal is left as it is.
class NoBrokenPipes {
public:
    enum class When { always, never };

    /// @param when never: it does nothing
    explicit NoBrokenPipes(When when = When::always) noexcept : holds_(when == When::always) {
        if(holds_) {
            begin();
        }
    }
    NoBrokenPipes(NoBrokenPipes&& other) noexcept : holds_(std::exchange(other.holds_, false)) {}
    NoBrokenPipes& operator=(NoBrokenPipes&&) = delete;
    NoBrokenPipes(const NoBrokenPipes&) = delete;
    NoBrokenPipes& operator=(const NoBrokenPipes&) = delete;
    ~NoBrokenPipes() {
        if(holds_) {
            end();
        }
    }

private:
    static void begin() noexcept;
    static void end() noexcept;

    bool holds_;  // false also once moved from
};

/// Whether the signal would end this program as it is set now: not when it is ignored or handled.
[[nodiscard]] bool broken_pipes_end_the_program() noexcept;

}  // namespace keyway::pkcs11
