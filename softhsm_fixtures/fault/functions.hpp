// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <string_view>

namespace pkcs11_fault {

/// A function of PKCS#11, in the order of its function lists.
enum class Function : unsigned char {
#define FUNCTION(name, roles, parameters) name,
#include "functions.inc"
#undef FUNCTION
};

inline constexpr std::array function_names = {
#define FUNCTION(name, roles, parameters) std::string_view(#name),
#include "functions.inc"
#undef FUNCTION
};

/// What each parameter is; see functions.inc.
inline constexpr std::array function_roles = {
#define FUNCTION(name, roles, parameters) std::string_view(roles),
#include "functions.inc"
#undef FUNCTION
};

inline constexpr std::size_t function_count = function_names.size();

/// Functions by number.
using FunctionSet = std::bitset<function_count>;

[[nodiscard]] constexpr std::size_t index_of(Function function) noexcept { return static_cast<std::size_t>(function); }
[[nodiscard]] constexpr std::string_view name_of(Function function) noexcept { return function_names[index_of(function)]; }

[[nodiscard]] constexpr std::optional<Function> find_function(std::string_view name) noexcept {
    for (std::size_t i = 0; i < function_count; ++i) {
        if (function_names[i] == name) {
            return static_cast<Function>(i);
        }
    }
    return std::nullopt;
}

} // namespace pkcs11_fault
