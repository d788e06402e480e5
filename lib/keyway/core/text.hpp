// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <string>
#include <string_view>

namespace keyway {

/// True for well-formed UTF-8 without NUL: no overlong forms, no surrogates.
/// @spec RFC 3629 4
[[nodiscard]] KEYWAY_API bool is_text(std::string_view bytes) noexcept;

/// Text fit for a terminal: what would steer it (control characters, C1 included, and those that turn the direction of
/// writing) and what is no UTF-8 is shown as \x1b or \u202e instead of sent.
[[nodiscard]] KEYWAY_API std::string visible(std::string_view bytes);

}  // namespace keyway
