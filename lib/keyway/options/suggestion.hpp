// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

/// The known name nearest to a mistyped one, or nothing when none is near.
[[nodiscard]] KEYWAY_API std::optional<std::string> nearest_name(std::string_view typed,
                                                                 const std::vector<std::string>& known);

/// A hint for an unknown name: `did you mean "label"?`, or the list of all known names.
[[nodiscard]] KEYWAY_API std::string name_hint(std::string_view typed, const std::vector<std::string>& known);

}  // namespace keyway
