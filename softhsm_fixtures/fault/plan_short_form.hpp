// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace pkcs11_fault {

/// The list of faults that `return function=C_Sign at=3; slow ms=10` stands for, as it would be in a plan. A fault that
/// begins with a brace is in JSON already.
///
/// @throws PlanError where the text is no list of words
[[nodiscard]] nlohmann::json short_form_as_json(std::string_view text);

} // namespace pkcs11_fault
