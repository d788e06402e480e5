// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/clock.hpp>

#include <string_view>

namespace keyway::cli {

/// Reads `2030-12-31` (its first second) or `2030-12-31T23:59:59Z`, in UTC.
/// @param what what it is, for messages
/// @throws Errc::invalid_argument
[[nodiscard]] Time parse_time(std::string_view text, std::string_view what);

}  // namespace keyway::cli
