// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <string_view>

namespace keyway {

/// True for well-formed UTF-8 without NUL: no overlong forms, no surrogates.
/// @spec RFC 3629 4
[[nodiscard]] KEYWAY_API bool is_text(std::string_view bytes) noexcept;

}  // namespace keyway
