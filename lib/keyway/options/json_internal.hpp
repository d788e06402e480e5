// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/options/option_values.hpp>

#include <nlohmann/json.hpp>

#include <string_view>

namespace keyway {

/// Parses JSON, refusing what people get wrong without seeing it: a name that stands twice in one object.
///
/// @param subject what it is, for messages
/// @throws Errc::malformed_data with the line and column
[[nodiscard]] nlohmann::json parse_json(std::string_view text, std::string_view subject);

/// Takes a JSON value for an option.
/// @throws Errc::invalid_option when it is no text, whole number, true or false
[[nodiscard]] RawOption to_raw_option(std::string_view name,
                                      const nlohmann::json& value,
                                      std::string_view subject,
                                      OptionOrigin origin);

}  // namespace keyway
