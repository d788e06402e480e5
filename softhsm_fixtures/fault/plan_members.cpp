// SPDX-License-Identifier: BSD-2-Clause
#include "plan_members.hpp"

#include "plan_text.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace pkcs11_fault {
namespace {

using nlohmann::json;

/// A day: longer than any test, short enough for every clock.
constexpr double most_milliseconds = 86'400'000;
constexpr std::int64_t most_bytes_less = 65536;

[[nodiscard]] std::string inside(const std::string& place, std::string_view name) {
    return place.empty() ? std::string(name) : place + "." + std::string(name);
}

/// How a value is shown in a message: as it is, but cut when it is long.
[[nodiscard]] std::string shown(const json& value) {
    if (value.is_string()) {
        return text::quoted(value.get_ref<const std::string&>());
    }
    const auto printed = text::quoted(value.dump());
    return printed.substr(1, printed.size() - 2);
}

/// A number from 0 to a day, whatever JSON wrote it as.
[[nodiscard]] std::optional<double> duration(const json& value) {
    if (!value.is_number()) {
        return std::nullopt;
    }
    const auto number = value.get<double>();
    return number >= 0 && number <= most_milliseconds ? std::optional(number) : std::nullopt;
}

/// One number, or a list of numbers; empty when one of them is none.
[[nodiscard]] std::vector<double> durations(const json& value) {
    std::vector<double> result;
    for (const auto& one : value.is_array() ? value : json::array({value})) {
        const auto number = duration(one);
        if (!number) {
            return {};
        }
        result.push_back(*number);
    }
    return result;
}

} // namespace

std::string_view description_of(Type type) noexcept {
    switch (type) {
    case Type::boolean: return "true or false";
    case Type::count: return "a whole number from 1";
    case Type::seed: return "a whole number from 0";
    case Type::call_numbers: return "a whole number from 1, or a list of them";
    case Type::bytes_less: return "a whole number from -65536 to 65536 but 0";
    case Type::probability: return "a number from 0 to 1";
    case Type::milliseconds: return "a number of milliseconds, at most a day";
    case Type::delay:
        return "a number of milliseconds, {\"uniform\": [least, most]}, {\"normal\": [mean, deviation]} "
               "or {\"exponential\": mean}";
    case Type::functions: return "a name of a function, a list of them, or \"all\"";
    case Type::return_value: return "a CKR_ name, or a number like \"0x80000001\"";
    case Type::mechanisms: return "a CKM_ name or number like \"0x80000001\", or a list of them";
    case Type::attributes: return "a CKA_ name or number like \"0x80000001\", or a list of them";
    case Type::object_classes: return "a CKO_ name or number like \"0x80000001\", or a list of them";
    case Type::pin_owner: return "a word: \"user\" or \"so\"";
    case Type::pin_state: return "a word: \"count-low\", \"final-try\" or \"locked\"";
    case Type::scope: return "a word: \"one\" or \"all\"";
    case Type::counting: return "a word: \"all\" or \"per-session\"";
    case Type::moment: return "a word: \"before\" or \"after\"";
    case Type::text: return "text";
    case Type::path: return "a path";
    case Type::module_path: return "a path, or a name without a slash for the dynamic linker";
    case Type::hexadecimal: return "hexadecimal text like \"0a1b\"";
    case Type::names: return "a name, or a list of them";
    case Type::faults: return "a list of faults";
    case Type::fault: return "a fault";
    case Type::lines: return "a list of objects";
    }
    return "";
}

void fail(const std::string& place, const std::string& why) {
    throw PlanError(place.empty() ? why : place + ": " + why);
}

std::string absolute_path(const std::string& path, const std::filesystem::path& folder) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(folder / path, error);
    if (error) {
        throw PlanError("cannot tell what " + text::quoted(path) + " is relative to: " + error.message());
    }
    return absolute.lexically_normal().string();
}

void require_object(const json& value, const std::string& place) {
    if (!value.is_object()) {
        fail(place, "give an object in braces, not " + shown(value));
    }
}

Members::Members(const json& object, std::string place, std::span<const Member> known,
                 std::filesystem::path folder)
    : object_(object), place_(std::move(place)), known_(known), folder_(std::move(folder)) {
    require_object(object_, place_);
    std::vector<std::string_view> names;
    for (const auto& member : known_) {
        names.push_back(member.name);
    }
    for (const auto& item : object_.items()) {
        if (std::ranges::find(names, item.key()) == names.end()) {
            refuse(text::unknown("member", item.key(), names));
        }
    }
    for (const auto& member : known_) {
        if (member.required && !object_.contains(member.name)) {
            refuse("member " + text::quoted(member.name) + " is missing: give " +
                   std::string(description_of(member.type)));
        }
    }
}

void Members::refuse(std::string_view name, const std::string& why) const { fail(inside(place_, name), why); }
void Members::refuse(const std::string& why) const { fail(place_, why); }

void Members::refuse_value(std::string_view name, Type type, const json& value) const {
    refuse(name, "give " + std::string(description_of(type)) + ", not " + shown(value));
}

bool Members::has(std::string_view name) const { return object_.contains(name); }

const Member& Members::member(std::string_view name, Type type) const {
    const auto found = std::ranges::find(known_, name, &Member::name);
    if (found == known_.end() || found->type != type) {
        throw std::logic_error("the table of members has no " + std::string(name) + " of this type");
    }
    return *found;
}

json Members::value(std::string_view name, Type type) const {
    const auto& known = member(name, type);
    const auto found = object_.find(name);
    return found != object_.end() ? *found : json::parse(known.fallback);
}

bool Members::boolean(std::string_view name) const {
    const auto given = value(name, Type::boolean);
    if (!given.is_boolean()) {
        refuse_value(name, Type::boolean, given);
    }
    return given.get<bool>();
}

std::uint64_t Members::whole_number(std::string_view name, Type type, std::uint64_t least) const {
    const auto given = value(name, type);
    if (!given.is_number_unsigned() || given.get<std::uint64_t>() < least) {
        refuse_value(name, type, given);
    }
    return given.get<std::uint64_t>();
}

std::uint64_t Members::count(std::string_view name) const { return whole_number(name, Type::count, 1); }
std::uint64_t Members::seed(std::string_view name) const { return whole_number(name, Type::seed, 0); }

std::vector<std::uint64_t> Members::call_numbers(std::string_view name) const {
    const auto given = value(name, Type::call_numbers);
    const auto list = given.is_array() ? given : json::array({given});
    std::vector<std::uint64_t> result;
    for (const auto& number : list) {
        if (!number.is_number_unsigned() || number.get<std::uint64_t>() == 0) {
            refuse_value(name, Type::call_numbers, number);
        }
        result.push_back(number.get<std::uint64_t>());
    }
    if (result.empty()) {
        refuse(name, "the list is empty: give a number or leave the member out");
    }
    std::ranges::sort(result);
    if (const auto twice = std::ranges::adjacent_find(result); twice != result.end()) {
        refuse(name, std::to_string(*twice) + " is given twice");
    }
    return result;
}

int Members::bytes_less(std::string_view name) const {
    const auto given = value(name, Type::bytes_less);
    const bool in_range = given.is_number_unsigned()
                              ? given.get<std::uint64_t>() <= most_bytes_less
                              : given.is_number_integer() && given.get<std::int64_t>() >= -most_bytes_less;
    if (!in_range || given.get<std::int64_t>() == 0) {
        refuse_value(name, Type::bytes_less, given);
    }
    return given.get<int>();
}

double Members::probability(std::string_view name) const {
    const auto given = value(name, Type::probability);
    if (!given.is_number() || !(given.get<double>() >= 0 && given.get<double>() <= 1)) {
        refuse_value(name, Type::probability, given);
    }
    return given.get<double>();
}

double Members::milliseconds(std::string_view name) const {
    const auto given = value(name, Type::milliseconds);
    const auto number = duration(given);
    if (!number) {
        refuse_value(name, Type::milliseconds, given);
    }
    return *number;
}

Delay Members::delay(std::string_view name) const {
    const auto given = value(name, Type::delay);
    if (const auto fixed = duration(given)) {
        return {.shape = Delay::Shape::fixed, .first = *fixed};
    }
    if (given.is_object() && given.size() == 1) {
        const auto numbers = durations(given.front());
        if (given.contains("exponential") && numbers.size() == 1) {
            return {.shape = Delay::Shape::exponential, .first = numbers[0]};
        }
        if (given.contains("normal") && numbers.size() == 2) {
            return {.shape = Delay::Shape::normal, .first = numbers[0], .second = numbers[1]};
        }
        if (given.contains("uniform") && numbers.size() == 2 && numbers[0] <= numbers[1]) {
            return {.shape = Delay::Shape::uniform, .first = numbers[0], .second = numbers[1]};
        }
    }
    refuse_value(name, Type::delay, given);
}

} // namespace pkcs11_fault
