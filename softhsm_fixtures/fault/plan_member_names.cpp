// SPDX-License-Identifier: BSD-2-Clause
// The getters of Members for what is given by name.
#include "names/names.hpp"
#include "plan_members.hpp"
#include "plan_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace pkcs11_fault {
namespace {

using nlohmann::json;
using Names = pkcs11_names::Family;

constexpr std::array pin_owner_words = {std::string_view("user"), std::string_view("so")};
constexpr std::array pin_state_words = {std::string_view("count-low"), std::string_view("final-try"),
                                        std::string_view("locked")};
constexpr std::array scope_words = {std::string_view("one"), std::string_view("all")};
constexpr std::array counting_words = {std::string_view("all"), std::string_view("per-session")};
constexpr std::array moment_words = {std::string_view("before"), std::string_view("after")};

constexpr std::array login_functions = {Function::C_Login, Function::C_LoginUser};
/// Those whose last two parameters are the signature and its length.
constexpr std::array signing_functions = {Function::C_Sign, Function::C_SignFinal, Function::C_SignMessage,
                                          Function::C_SignMessageNext};
/// Those that take the data to work on behind the session.
constexpr std::array data_functions = {
    Function::C_Encrypt, Function::C_EncryptUpdate, Function::C_Decrypt,     Function::C_DecryptUpdate,
    Function::C_Digest,  Function::C_DigestUpdate,  Function::C_Sign,        Function::C_SignUpdate,
    Function::C_Verify,  Function::C_VerifyUpdate,  Function::C_SignRecover,
};

[[nodiscard]] FunctionSet with_first_role(std::string_view roles) {
    FunctionSet set;
    for (std::size_t i = 0; i < function_count; ++i) {
        set.set(i, roles.find(function_roles[i].front()) != std::string_view::npos);
    }
    return set;
}

[[nodiscard]] FunctionSet set_of(std::span<const Function> functions) {
    FunctionSet set;
    for (const auto function : functions) {
        set.set(index_of(function));
    }
    return set;
}

[[nodiscard]] std::vector<std::string_view> names_in(const FunctionSet& set) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < function_count; ++i) {
        if (set.test(i)) {
            names.push_back(function_names[i]);
        }
    }
    return names;
}

[[nodiscard]] std::vector<std::string_view> names_of(Names family) {
    std::vector<std::string_view> names;
    for (const auto& constant : pkcs11_names::constants(family)) {
        names.push_back(constant.name);
    }
    return names;
}

[[nodiscard]] std::pair<Names, std::string_view> family_of(Type type) {
    switch (type) {
    case Type::return_value: return {Names::return_values, "return value"};
    case Type::mechanisms: return {Names::mechanisms, "mechanism"};
    case Type::attributes: return {Names::attributes, "attribute"};
    case Type::object_classes: return {Names::object_classes, "object class"};
    default: throw std::logic_error("not a type of constants");
    }
}

[[nodiscard]] std::optional<std::uint8_t> digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<std::uint8_t>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<std::uint8_t>(c - 'A' + 10);
    }
    return std::nullopt;
}

} // namespace

FunctionSet functions_of(FunctionGroup group) {
    switch (group) {
    case FunctionGroup::none: return {};
    case FunctionGroup::all: return FunctionSet().set();
    case FunctionGroup::with_session: return with_first_role("s");
    case FunctionGroup::with_slot_or_session: return with_first_role("sl");
    case FunctionGroup::login: return set_of(login_functions);
    case FunctionGroup::signing: return set_of(signing_functions);
    case FunctionGroup::data: return set_of(data_functions);
    }
    return {};
}

std::string description_of(FunctionGroup group) {
    switch (group) {
    case FunctionGroup::none: return "none";
    case FunctionGroup::all: return "every function";
    case FunctionGroup::with_session: return "every function with a session";
    case FunctionGroup::with_slot_or_session: return "every function with a session or a slot";
    default: return text::joined(names_in(functions_of(group)));
    }
}

std::vector<std::string> Members::list_of_texts(std::string_view name, Type type) const {
    const auto given = value(name, type);
    const auto list = given.is_array() ? given : json::array({given});
    std::vector<std::string> result;
    for (const auto& text : list) {
        if (!text.is_string()) {
            refuse_value(name, type, text);
        }
        auto one = text.get<std::string>();
        if (std::ranges::find(result, one) != result.end()) {
            refuse(name, text::quoted(one) + " is given twice");
        }
        result.push_back(std::move(one));
    }
    if (result.empty()) {
        refuse(name, "the list is empty: name one, or leave the member out");
    }
    return result;
}

FunctionSet Members::functions(std::string_view name, FunctionGroup allowed) const {
    const auto known = functions_of(allowed);
    const auto names = list_of_texts(name, Type::functions);
    if (names.size() == 1 && names.front() == "all") {
        return known;
    }
    FunctionSet set;
    for (const auto& one : names) {
        const auto found = find_function(one);
        if (!found) {
            refuse(name, text::unknown("function", one, names_in(known)) + ", or \"all\"");
        }
        if (!known.test(index_of(*found))) {
            refuse(name, "this fault is not possible at " + text::quoted(one) +
                             "; known: " + text::joined(names_in(known)));
        }
        set.set(index_of(*found));
    }
    return set;
}

CK_RV Members::return_value(std::string_view name) const {
    const auto given = value(name, Type::return_value);
    if (!given.is_string()) {
        refuse_value(name, Type::return_value, given);
    }
    return number_of(name, Type::return_value, given.get<std::string>());
}

CK_ULONG Members::number_of(std::string_view name, Type type, const std::string& constant) const {
    const auto [family, what] = family_of(type);
    if (const auto found = pkcs11_names::find(family, constant)) {
        return *found;
    }
    refuse(name, text::unknown(what, constant, names_of(family)) + ", or a number like 0x80000001");
}

std::vector<CK_ULONG> Members::numbers(std::string_view name, Type type) const {
    std::vector<CK_ULONG> result;
    for (const auto& one : list_of_texts(name, type)) {
        result.push_back(number_of(name, type, one));
    }
    return result;
}

std::string Members::word(std::string_view name, Type type, std::span<const std::string_view> known) const {
    const auto given = value(name, type);
    if (!given.is_string()) {
        refuse_value(name, type, given);
    }
    auto result = given.get<std::string>();
    if (std::ranges::find(known, result) == known.end()) {
        refuse(name, text::unknown("word", result, known));
    }
    return result;
}

PinOwner Members::pin_owner(std::string_view name) const {
    return word(name, Type::pin_owner, pin_owner_words) == "so" ? PinOwner::security_officer : PinOwner::user;
}

PinState::State Members::pin_state(std::string_view name) const {
    const auto given = word(name, Type::pin_state, pin_state_words);
    if (given == "locked") {
        return PinState::State::locked;
    }
    return given == "final-try" ? PinState::State::final_try : PinState::State::count_low;
}

bool Members::all_of_scope(std::string_view name) const {
    return word(name, Type::scope, scope_words) == "all";
}

bool Members::per_session(std::string_view name) const {
    return word(name, Type::counting, counting_words) == "per-session";
}

Moment Members::moment(std::string_view name) const {
    return word(name, Type::moment, moment_words) == "after" ? Moment::after : Moment::before;
}

std::string Members::checked_text(std::string_view name, Type type) const {
    const auto given = value(name, type);
    if (!given.is_string()) {
        refuse_value(name, type, given);
    }
    auto result = given.get<std::string>();
    if (result.find('\0') != std::string::npos) {
        refuse(name, "it holds a zero byte");
    }
    return result;
}

std::string Members::text(std::string_view name) const { return checked_text(name, Type::text); }

std::string Members::path(std::string_view name) const {
    const auto given = checked_text(name, Type::path);
    if (given.empty()) {
        refuse(name, "the path is empty: name a file, or leave the member out");
    }
    return absolute_path(given, folder_);
}

std::string Members::module_path(std::string_view name) const {
    const auto given = checked_text(name, Type::module_path);
    if (given.empty()) {
        refuse(name, "the path is empty: name the module to stand in front of");
    }
    return given.find('/') == std::string::npos ? given : absolute_path(given, folder_);
}

std::vector<std::uint8_t> Members::hexadecimal(std::string_view name) const {
    const auto given = checked_text(name, Type::hexadecimal);
    if (given.empty() || given.size() % 2 != 0) {
        refuse_value(name, Type::hexadecimal, given);
    }
    std::vector<std::uint8_t> result;
    for (std::size_t i = 0; i < given.size(); i += 2) {
        const auto high = digit(given[i]);
        const auto low = digit(given[i + 1]);
        if (!high || !low) {
            refuse_value(name, Type::hexadecimal, given);
        }
        result.push_back(static_cast<std::uint8_t>(*high << 4U | *low));
    }
    return result;
}

std::vector<std::string> Members::names(std::string_view name) const {
    return list_of_texts(name, Type::names);
}

const json& Members::objects(std::string_view name, Type type) const {
    static_cast<void>(member(name, type));
    const auto& given = object_.at(std::string(name));
    if (!given.is_array()) {
        refuse_value(name, type, given);
    }
    if (given.empty()) {
        refuse(name, "the list is empty: leave the member out");
    }
    return given;
}

} // namespace pkcs11_fault
