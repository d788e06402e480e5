// SPDX-License-Identifier: BSD-2-Clause
// Whole documents: plans, lines of the control file, profiles.
#include "plan.hpp"
#include "plan_faults.hpp"
#include "plan_json.hpp"
#include "plan_schema.hpp"
#include "plan_short_form.hpp"
#include "plan_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace pkcs11_fault {
namespace {

using nlohmann::json;

constexpr std::array command_words = {
    std::string_view("fault"), std::string_view("faults"),  std::string_view("profile"),
    std::string_view("clear"), std::string_view("release"), std::string_view("insert"),
    std::string_view("reset"),
};

[[nodiscard]] std::vector<std::string_view> profile_names() {
    std::vector<std::string_view> names;
    for (const auto& profile : known_profiles()) {
        names.push_back(profile.name);
    }
    return names;
}

[[nodiscard]] std::optional<std::string> path_if_given(const Members& members, std::string_view name) {
    return members.has(name) ? std::optional(members.path(name)) : std::nullopt;
}

/// @throws PlanError for another word than the one that goes with the command
void require_word(const Members& members, std::string_view name, std::string_view only) {
    const auto given = members.text(name);
    if (given != only) {
        members.refuse(name, text::unknown("word", given, std::array{only}));
    }
}

[[nodiscard]] Command parse_clear(const Members& members) {
    auto name = members.text("clear");
    const auto known = fault_names();
    if (name != "all" && std::ranges::find(known, name) == known.end()) {
        members.refuse("clear", text::unknown("fault", name, known) + ", or \"all\"");
    }
    return {.kind = Command::Kind::clear, .faults = {}, .cleared = std::move(name)};
}

constexpr Member command_members[] = {
    {"faults", Type::faults, "what goes wrong from now on"},
    {"profile", Type::names, "profiles whose faults are added"},
    {"clear", Type::text, "name of a fault, or \"all\""},
    {"release", Type::text, "\"hangs\""},
    {"insert", Type::text, "\"device\""},
    {"reset", Type::text, "\"counters\""},
};

/// Faults in the short form; what a line can be besides has none.
[[nodiscard]] Command parse_short_command(std::string_view line) {
    const auto word = line.substr(0, line.find_first_of(" \t=:"));
    if (std::ranges::find(command_words, word) != command_words.end()) {
        throw PlanError("the short form is for faults; write {\"" + std::string(word) + "\": ...} in JSON");
    }
    return {.kind = Command::Kind::add,
            .faults = parse_faults(short_form_as_json(line), "faults", {}, Origin::control_line),
            .cleared = {}};
}

} // namespace

std::vector<Fault> faults_of_profiles(const std::vector<std::string>& names, std::string_view place) {
    std::vector<Fault> faults;
    for (const auto& name : names) {
        const auto found = std::ranges::find(known_profiles(), name, &ProfileInfo::name);
        if (found == known_profiles().end()) {
            fail(std::string(place), text::unknown("profile", name, profile_names()));
        }
        append(faults, parse_profile(found->json));
    }
    return faults;
}

std::vector<Fault> parse_profile(std::string_view document) {
    const auto object = parse_strict_json(document);
    const Members members(object, "", profile_members());
    for (const auto* const name : {"name", "summary", "vendor"}) {
        static_cast<void>(members.text(name));
    }
    const auto& lines = members.objects("lines", Type::lines);
    std::vector<Fault> faults;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto place = "lines[" + std::to_string(i) + "]";
        const Members line(lines[i], place, profile_line_members());
        for (const auto* const name : {"why", "source"}) {
            if (line.text(name).empty()) {
                line.refuse(name, "the text is empty");
            }
        }
        faults.push_back(parse_fault(lines[i].at("fault"), place + ".fault", {}, Origin::plan));
    }
    return faults;
}

Plan parse_plan_in(std::string_view document, const std::filesystem::path& folder) {
    const auto object = parse_strict_json(document);
    const Members members(object, "", plan_members(), folder);
    Plan plan;
    if (members.has("module")) {
        plan.module = members.module_path("module");
    }
    if (members.has("init_arguments")) {
        plan.init_arguments = members.text("init_arguments");
    }
    plan.seed = members.seed("seed");
    plan.log = path_if_given(members, "log");
    plan.counters = path_if_given(members, "counters");
    plan.control = path_if_given(members, "control");
    if (members.has("profile")) {
        append(plan.faults, faults_of_profiles(members.names("profile"), "profile"));
    }
    if (members.has("faults")) {
        append(plan.faults,
               parse_faults(members.objects("faults", Type::faults), "faults", folder, Origin::plan));
    }
    return plan;
}

Plan parse_plan(std::string_view document) { return parse_plan_in(document, {}); }

Command parse_command(std::string_view line) {
    if (const auto first = line.find_first_not_of(" \t"); first != std::string_view::npos && line[first] >= 'a' && line[first] <= 'z') {
        return parse_short_command(line.substr(first));
    }
    const auto object = parse_strict_json(line);
    require_object(object, "");
    if (object.contains("fault")) {
        return {.kind = Command::Kind::add,
                .faults = {parse_fault(object, "", {}, Origin::control_line)},
                .cleared = {}};
    }
    if (object.size() != 1) {
        throw PlanError("give one member, not " + std::to_string(object.size()) +
                        "; known: " + text::joined(command_words));
    }
    const std::string word = object.begin().key();
    if (std::ranges::find(command_words, word) == command_words.end()) {
        throw PlanError(text::unknown("command", word, command_words));
    }
    const Members members(object, "", command_members);
    if (word == "faults") {
        return {.kind = Command::Kind::add,
                .faults =
                    parse_faults(members.objects("faults", Type::faults), "faults", {}, Origin::control_line),
                .cleared = {}};
    }
    if (word == "profile") {
        return {.kind = Command::Kind::add,
                .faults = faults_of_profiles(members.names("profile"), "profile"),
                .cleared = {}};
    }
    if (word == "clear") {
        return parse_clear(members);
    }
    if (word == "release") {
        require_word(members, "release", "hangs");
        return {.kind = Command::Kind::release_hangs, .faults = {}, .cleared = {}};
    }
    if (word == "insert") {
        require_word(members, "insert", "device");
        return {.kind = Command::Kind::insert_device, .faults = {}, .cleared = {}};
    }
    require_word(members, "reset", "counters");
    return {.kind = Command::Kind::reset_counters, .faults = {}, .cleared = {}};
}

} // namespace pkcs11_fault
