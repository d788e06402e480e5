// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <bench/ways.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace keyway::bench {

struct Measured {
    std::size_t signatures = 0;
    double per_second = 0;     ///< of all threads together
    double cpu_seconds = 0;    ///< of the whole process, while they signed
};

/// Lets each signer sign in a thread of its own until the time is over.
///
/// Each thread signs once before all start together, so that what libraries make for a new thread is not measured. A
/// thread's rate is over its own time, from the start to the end of its last signature: no signature is cut.
[[nodiscard]] Measured measure(const std::vector<std::unique_ptr<Signer>>& signers, std::chrono::microseconds time);

/// Processor time of all threads of this process since it began.
[[nodiscard]] double process_cpu_seconds();

/// Signs so often, in this thread.
void sign_times(Signer& signer, std::size_t times);

}  // namespace keyway::bench
