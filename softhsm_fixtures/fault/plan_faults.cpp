// SPDX-License-Identifier: BSD-2-Clause
#include "plan_faults.hpp"

#include "plan_members.hpp"
#include "plan_schema.hpp"
#include "plan_text.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pkcs11_fault {
namespace {

using nlohmann::json;
using Moments = FaultDescription::Moments;

[[nodiscard]] const FaultDescription& description_of_fault(const json& object, const std::string& place) {
    require_object(object, place);
    const auto name = object.find("fault");
    if (name == object.end()) {
        fail(place, "member \"fault\" is missing; known: " + text::joined(fault_names()));
    }
    const auto name_place = place.empty() ? "fault" : place + ".fault";
    if (!name->is_string()) {
        fail(name_place, "give the name of a fault; known: " + text::joined(fault_names()));
    }
    const auto& given = name->get_ref<const std::string&>();
    const auto found =
        std::ranges::find(fault_descriptions(), std::string_view(given), &FaultDescription::name);
    if (found == fault_descriptions().end()) {
        fail(name_place, text::unknown("fault", given, fault_names()));
    }
    return *found;
}

[[nodiscard]] std::vector<Member> members_of(const FaultDescription& description) {
    std::vector<Member> members = {{"fault", Type::text, "the fault's name", {}, true}};
    if (description.comes_at_calls) {
        std::ranges::copy(trigger_members(), std::back_inserter(members));
    }
    std::ranges::copy(description.members, std::back_inserter(members));
    return members;
}

void refuse_contradictions(const Members& members) {
    constexpr std::string_view choosing[] = {"at", "every", "probability"};
    std::string_view given;
    for (const auto name : choosing) {
        if (!members.has(name)) {
            continue;
        }
        if (!given.empty()) {
            members.refuse("give " + text::quoted(given) + " or " + text::quoted(name) + ", not both");
        }
        given = name;
    }
    if (members.has("at") && members.has("from")) {
        members.refuse("give \"at\" or \"from\", not both");
    }
}

[[nodiscard]] FunctionSet functions_of_trigger(const Members& members, const FaultDescription& description) {
    if (members.has("function")) {
        return members.functions("function", description.allowed);
    }
    if (description.usual == FunctionGroup::none) {
        members.refuse("member \"function\" is missing: name a function, a list of them, or \"all\"");
    }
    return functions_of(description.usual);
}

[[nodiscard]] Moment moment_of(const Members& members, const FaultDescription& description) {
    const Moment usual = description.moments == Moments::only_after ? Moment::after : Moment::before;
    if (!members.has("when")) {
        return usual;
    }
    const Moment given = members.moment("when");
    if (description.moments != Moments::either && given != usual) {
        members.refuse("when", "this fault comes " +
                                   text::quoted(usual == Moment::after ? "after" : "before") +
                                   " the real call only: leave the member out");
    }
    return given;
}

[[nodiscard]] Trigger parse_trigger(const Members& members, const FaultDescription& description) {
    refuse_contradictions(members);
    Trigger trigger;
    trigger.functions = functions_of_trigger(members, description);
    if (members.has("at")) {
        trigger.at = members.call_numbers("at");
    }
    if (members.has("every")) {
        trigger.every = members.count("every");
    }
    if (members.has("probability")) {
        trigger.probability = members.probability("probability");
    }
    trigger.from = members.count("from");
    if (members.has("times")) {
        trigger.times = members.count("times");
    }
    if (members.has("session")) {
        trigger.session = members.count("session");
    }
    trigger.per_session = members.per_session("count");
    trigger.moment = moment_of(members, description);

    if ((trigger.session || trigger.per_session) &&
        (trigger.functions & functions_of(FunctionGroup::with_session)).none()) {
        members.refuse(trigger.session ? "session" : "count",
                       "none of the fault's functions takes a session");
    }
    const bool chosen = members.has("at") || members.has("every") || members.has("probability");
    if (description.changes_state && !chosen && !trigger.times) {
        trigger.times = 1;
    }
    return trigger;
}

/// The trigger of a fault on a control line that says nothing about when it comes.
[[nodiscard]] std::optional<Trigger> next_call(const FaultDescription& description) {
    if (description.allowed == FunctionGroup::all) {
        return std::nullopt;
    }
    Trigger trigger;
    trigger.functions = functions_of(description.usual);
    trigger.times = 1;
    trigger.moment = description.moments == Moments::only_after ? Moment::after : Moment::before;
    return trigger;
}

[[nodiscard]] bool says_when(const Members& members) {
    return std::ranges::any_of(trigger_members(),
                               [&](const Member& member) { return members.has(member.name); });
}

} // namespace

Fault parse_fault(const json& object, const std::string& place, const std::filesystem::path& folder,
                  Origin origin) {
    const auto& description = description_of_fault(object, place);
    const auto known = members_of(description);
    const Members members(object, place, known, folder);
    Fault fault;
    fault.name = description.name;
    if (description.comes_at_calls) {
        fault.trigger = origin == Origin::control_line && !says_when(members)
                            ? next_call(description)
                            : parse_trigger(members, description);
    }
    fault.what = description.build(members);
    return fault;
}

std::vector<Fault> parse_faults(const json& list, const std::string& place,
                                const std::filesystem::path& folder, Origin origin) {
    std::vector<Fault> faults;
    for (std::size_t i = 0; i < list.size(); ++i) {
        faults.push_back(parse_fault(list[i], place + "[" + std::to_string(i) + "]", folder, origin));
    }
    return faults;
}

void append(std::vector<Fault>& faults, std::vector<Fault> more) {
    faults.insert(faults.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

} // namespace pkcs11_fault
