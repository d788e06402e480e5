// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan_members.hpp"

#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace pkcs11_fault {

/// Everything that is known about a fault: the parser, describe_faults() and the manual go by this.
struct FaultDescription {
    /// When a fault may come.
    enum class Moments { either, only_before, only_after };

    std::string_view name;
    std::string_view meaning;
    std::string_view example;        ///< as in a plan
    std::span<const Member> members; ///< beside "fault" and those of a trigger
    std::variant<CallFault, StandingFault> (*build)(const Members&);
    bool comes_at_calls = false; ///< whether it has a trigger; the rest is about that
    bool changes_state = false;  ///< comes once where nothing is said about when
    Moments moments = Moments::either;
    FunctionGroup usual = FunctionGroup::none; ///< where no function is named; none: one has to be
    FunctionGroup allowed = FunctionGroup::all;
};

/// In the order of the manual: those that come at calls first.
[[nodiscard]] std::span<const FaultDescription> fault_descriptions();

[[nodiscard]] std::vector<std::string_view> fault_names();

/// The members that say at which calls a fault comes.
[[nodiscard]] std::span<const Member> trigger_members();

[[nodiscard]] std::span<const Member> plan_members();
[[nodiscard]] std::span<const Member> profile_members();
[[nodiscard]] std::span<const Member> profile_line_members();

} // namespace pkcs11_fault
