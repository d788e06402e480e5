// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "real_module.hpp"

#include <array>

namespace pkcs11_fault {

/// For each function, the one that programs call.
[[nodiscard]] const std::array<AnyFunction, function_count>& own_functions() noexcept;

} // namespace pkcs11_fault
