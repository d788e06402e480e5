// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "fault/plan.hpp"

#include <catch2/catch_test_macros.hpp>

#include <initializer_list>
#include <string>

/// What the tests of the parser share.
namespace plan_support {

using namespace pkcs11_fault;

[[nodiscard]] inline FunctionSet functions(std::initializer_list<Function> list) {
    FunctionSet set;
    for (const auto function : list) {
        set.set(index_of(function));
    }
    return set;
}

[[nodiscard]] inline FunctionSet every_function() { return FunctionSet().set(); }

/// Those whose first parameter has one of the roles of functions.inc.
[[nodiscard]] inline FunctionSet functions_with(const std::string& roles) {
    FunctionSet set;
    for (std::size_t i = 0; i < function_count; ++i) {
        set.set(i, roles.find(function_roles[i].front()) != std::string::npos);
    }
    return set;
}

/// The only fault of a plan with this one: {"faults": [FAULT]}.
[[nodiscard]] inline Fault only_fault(const std::string& fault) {
    const auto plan = parse_plan(R"({"faults": [)" + fault + "]}");
    REQUIRE(plan.faults.size() == 1);
    return plan.faults.front();
}

[[nodiscard]] inline Fault call_fault(const std::string& name, Trigger trigger, CallFault what) {
    return {.name = name, .trigger = std::move(trigger), .what = std::move(what)};
}

[[nodiscard]] inline Fault standing_fault(const std::string& name, StandingFault what) {
    return {.name = name, .trigger = {}, .what = std::move(what)};
}

/// The message of the PlanError that this raises.
template <typename Act> [[nodiscard]] std::string refusal(Act act) {
    try {
        static_cast<void>(act());
    } catch (const PlanError& error) {
        return error.what();
    }
    FAIL("nothing was refused");
    return {};
}

[[nodiscard]] inline std::string refusal_of_plan(const std::string& json) {
    return refusal([&] { return parse_plan(json); });
}

/// The message without its list of what is known.
[[nodiscard]] inline std::string without_list(const std::string& message) {
    return message.substr(0, message.find(" known: "));
}

} // namespace plan_support
