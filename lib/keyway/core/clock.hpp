// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace keyway {

/// A point in calendar time (UTC), in whole seconds: unlike the system clock's own, which counts nanoseconds and ends
/// in the year 2262, it holds every time that a certificate can name.
using Time = std::chrono::sys_seconds;

/// Tells the time; handed in wherever time matters, so that tests can set it.
using Clock = std::function<Time()>;

/// The time as people and JSON read it: `2030-12-31T23:59:59Z`.
[[nodiscard]] KEYWAY_API std::string to_iso_8601(Time time);

}  // namespace keyway
