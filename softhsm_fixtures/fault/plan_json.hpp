// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string_view>

namespace pkcs11_fault {

/// More bytes than that are no plan.
inline constexpr std::size_t largest_document = std::size_t{1} << 20U;

/// Reads JSON of at most 1 MiB and 16 levels, in UTF-8, without comments and without a member given twice.
///
/// @throws PlanError that names line and column, or the member
[[nodiscard]] nlohmann::json parse_strict_json(std::string_view text);

} // namespace pkcs11_fault
