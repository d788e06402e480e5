// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pkcs11_fault {

/// Where a fault is written: on a control line one that does not say when it comes, comes once at the next
/// call.
enum class Origin { plan, control_line };

/// @throws PlanError that begins with the place
[[nodiscard]] Fault parse_fault(const nlohmann::json& object, const std::string& place,
                                const std::filesystem::path& folder, Origin origin);

/// The faults of a list, whose members are `place`[0] and so on. @throws PlanError
[[nodiscard]] std::vector<Fault> parse_faults(const nlohmann::json& list, const std::string& place,
                                              const std::filesystem::path& folder, Origin origin);

/// The faults of profiles, in the order given; `place` names who asks for them. @throws PlanError
[[nodiscard]] std::vector<Fault> faults_of_profiles(const std::vector<std::string>& names,
                                                    std::string_view place);

/// A plan without its module may be completed by a variable. @throws PlanError
[[nodiscard]] Plan parse_plan_in(std::string_view json, const std::filesystem::path& folder);

/// The faults of a profile: a whole file. @throws PlanError
[[nodiscard]] std::vector<Fault> parse_profile(std::string_view json);

/// One behind another.
void append(std::vector<Fault>& faults, std::vector<Fault> more);

} // namespace pkcs11_fault
