// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <algorithm>
#include <chrono>

namespace keyway::pkcs11 {

using Milliseconds = std::chrono::milliseconds;

/// When to give up. Made once for each call of a user, and handed on to all that is done for it.
class Deadline {
public:
    using Clock = std::chrono::steady_clock;

    explicit Deadline(Milliseconds patience) : at_(Clock::now() + patience) {}
    explicit Deadline(Clock::time_point at) : at_(at) {}

    [[nodiscard]] Clock::time_point at() const noexcept { return at_; }
    [[nodiscard]] bool passed() const noexcept { return Clock::now() >= at_; }

    /// The earlier of the two.
    [[nodiscard]] Clock::time_point at_latest(Clock::time_point other) const noexcept { return std::min(at_, other); }

private:
    Clock::time_point at_;
};

}  // namespace keyway::pkcs11
