// SPDX-License-Identifier: BSD-2-Clause
// What the tables of the parser tell people.
#include "plan.hpp"
#include "plan_manual.hpp"
#include "plan_schema.hpp"

#include <cctype>
#include <string_view>

namespace pkcs11_fault {
namespace {

using Moments = FaultDescription::Moments;

[[nodiscard]] std::string text(std::string_view view) { return std::string(view); }

[[nodiscard]] std::string moments_of(const FaultDescription& description) {
    switch (description.moments) {
    case Moments::only_before: return "before the real call only";
    case Moments::only_after: return "after the real call only";
    case Moments::either: break;
    }
    return "before or after the real call";
}

/// "all that take a session; once, where nothing says when; ..."
[[nodiscard]] std::string when_it_comes(const FaultDescription& description) {
    std::string result = description.usual == FunctionGroup::none
                             ? "the functions that are named"
                             : description_of(description.usual) + ", or those that are named";
    if (description.changes_state) {
        result += "; once, unless \"at\", \"every\", \"probability\" or \"times\" is given";
    }
    return result + "; " + moments_of(description);
}

void describe(std::string& result, const Member& member) {
    result +=
        "    " + text(member.name) + ": " + text(member.meaning) + " (" + text(description_of(member.type));
    if (member.required) {
        result += "; required";
    } else if (!member.fallback.empty()) {
        result += "; default " + text(member.fallback);
    }
    result += ")\n";
}

void describe(std::string& result, const FaultDescription& description) {
    result += text(description.name) + ": " + text(description.meaning) + "\n";
    for (const auto& member : description.members) {
        describe(result, member);
    }
    if (description.comes_at_calls) {
        result += "    comes at: " + when_it_comes(description) + "\n";
    }
    result += "    example: " + text(description.example) + "\n";
}

[[nodiscard]] std::string code(std::string_view view) { return "`" + text(view) + "`"; }

[[nodiscard]] std::string table_of(std::span<const Member> members) {
    std::string result = "| member | takes | default | meaning |\n|---|---|---|---|\n";
    for (const auto& member : members) {
        const auto fallback = member.required           ? "required"
                              : member.fallback.empty() ? ""
                                                        : code(member.fallback);
        result += "| " + code(member.name) + " | " + text(description_of(member.type)) + " | " + fallback +
                  " | " + text(member.meaning) + " |\n";
    }
    return result;
}

[[nodiscard]] std::string section_of(const FaultDescription& description) {
    auto meaning = text(description.meaning);
    meaning.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(meaning.front())));
    std::string result = "### " + text(description.name) + "\n\n" + meaning + ".\n\n";
    if (!description.members.empty()) {
        result += table_of(description.members) + "\n";
    }
    if (description.comes_at_calls) {
        result += "Comes at: " + when_it_comes(description) + ".\n\n";
    }
    return result + "```json\n" + text(description.example) + "\n```\n";
}

} // namespace

std::string describe_faults() {
    std::string result = "Faults that come at calls:\n\n";
    bool standing = false;
    for (const auto& description : fault_descriptions()) {
        if (!description.comes_at_calls && !standing) {
            standing = true;
            result += "Faults that stand:\n\n";
        }
        describe(result, description);
        result += "\n";
    }
    result += "When a fault that comes at calls comes:\n";
    for (const auto& member : trigger_members()) {
        describe(result, member);
    }
    return result;
}

std::string manual_of_plan() { return table_of(plan_members()); }

std::string manual_of_trigger() { return table_of(trigger_members()); }

std::string manual_of_faults() {
    std::string result;
    for (const auto& description : fault_descriptions()) {
        result += (result.empty() ? "" : "\n") + section_of(description);
    }
    return result;
}

std::string manual_of_profiles() {
    std::string result = "| profile | what it does |\n|---|---|\n";
    for (const auto& profile : known_profiles()) {
        result += "| " + code(profile.name) + " | " + profile.summary + " |\n";
    }
    return result;
}

} // namespace pkcs11_fault
