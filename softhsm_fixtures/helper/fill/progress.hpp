// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <chrono>
#include <cstddef>

namespace fill {

/// Says on a terminal how far it is, once it has lasted for a second: keys can take minutes, and whoever takes that for
/// a hang and interrupts it has to begin anew. Where standard error is no terminal, nothing is said.
class Progress {
public:
    explicit Progress(std::size_t all);
    ~Progress(); // takes the line away
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// `more` objects are made.
    void made(std::size_t more);

private:
    using Clock = std::chrono::steady_clock;

    std::size_t all_;
    std::size_t done_ = 0;
    bool wanted_;
    bool shown_ = false;
    Clock::time_point next_;
};

} // namespace fill
