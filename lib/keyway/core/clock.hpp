// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <chrono>
#include <functional>

namespace keyway {

/// A point in calendar time (UTC).
using Time = std::chrono::system_clock::time_point;

/// Tells the time; handed in wherever time matters, so that tests can set it.
using Clock = std::function<Time()>;

}  // namespace keyway
