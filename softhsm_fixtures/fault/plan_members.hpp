// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pkcs11_fault {

/// What a member of a JSON object holds.
enum class Type {
    boolean,
    count,        ///< whole number from 1
    seed,         ///< whole number from 0
    call_numbers, ///< count or list of counts
    bytes_less,   ///< whole number but 0, also negative
    probability,
    milliseconds,
    delay,
    functions,
    return_value,
    mechanisms,
    attributes,
    object_classes,
    pin_owner,
    pin_state,
    scope,
    counting,
    moment,
    text,
    path,
    module_path,
    hexadecimal,
    names,  ///< text or list of texts
    faults, ///< list of objects
    fault,  ///< object
    lines,  ///< list of objects
};

/// "whole number from 1"
[[nodiscard]] std::string_view description_of(Type type) noexcept;

/// A member that an object may have.
struct Member {
    std::string_view name;
    Type type = Type::text;
    std::string_view meaning;
    std::string_view fallback = {}; ///< as JSON, where there is a default value
    bool required = false;
};

/// Functions that a fault may come at.
enum class FunctionGroup { none, all, with_session, with_slot_or_session, login, signing, data };

[[nodiscard]] FunctionSet functions_of(FunctionGroup group);

/// How the group is called in a description: "all", or the names.
[[nodiscard]] std::string description_of(FunctionGroup group);

/// The members of an object whose names and types were checked against a list. A getter takes the default of
/// the list where the object lacks the member.
class Members {
public:
    /// @throws PlanError for a member that is unknown, or required and missing
    Members(const nlohmann::json& object, std::string place, std::span<const Member> known,
            std::filesystem::path folder = {});

    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] const std::string& place() const noexcept { return place_; }
    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

    [[nodiscard]] bool boolean(std::string_view name) const;
    [[nodiscard]] std::uint64_t count(std::string_view name) const;
    [[nodiscard]] std::uint64_t seed(std::string_view name) const;
    [[nodiscard]] std::vector<std::uint64_t> call_numbers(std::string_view name) const;
    [[nodiscard]] int bytes_less(std::string_view name) const;
    [[nodiscard]] double probability(std::string_view name) const;
    [[nodiscard]] double milliseconds(std::string_view name) const;
    [[nodiscard]] Delay delay(std::string_view name) const;
    [[nodiscard]] FunctionSet functions(std::string_view name, FunctionGroup allowed) const;
    [[nodiscard]] CK_RV return_value(std::string_view name) const;
    [[nodiscard]] std::vector<CK_ULONG> numbers(std::string_view name,
                                                Type type) const; ///< mechanisms and the like
    [[nodiscard]] PinOwner pin_owner(std::string_view name) const;
    [[nodiscard]] PinState::State pin_state(std::string_view name) const;
    [[nodiscard]] bool all_of_scope(std::string_view name) const;
    [[nodiscard]] bool per_session(std::string_view name) const;
    [[nodiscard]] Moment moment(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] std::string path(std::string_view name) const;
    [[nodiscard]] std::string module_path(std::string_view name) const;
    [[nodiscard]] std::vector<std::uint8_t> hexadecimal(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> names(std::string_view name) const;
    [[nodiscard]] const nlohmann::json& objects(std::string_view name,
                                                Type type) const; ///< of Type::faults, lines: not empty

    /// @throws PlanError of the member
    [[noreturn]] void refuse(std::string_view name, const std::string& why) const;
    /// @throws PlanError of the object
    [[noreturn]] void refuse(const std::string& why) const;

private:
    [[noreturn]] void refuse_value(std::string_view name, Type type, const nlohmann::json& value) const;
    [[nodiscard]] const Member& member(std::string_view name, Type type) const;
    [[nodiscard]] nlohmann::json value(std::string_view name, Type type) const;
    [[nodiscard]] std::uint64_t whole_number(std::string_view name, Type type, std::uint64_t least) const;
    [[nodiscard]] std::vector<std::string> list_of_texts(std::string_view name, Type type) const;
    [[nodiscard]] CK_ULONG number_of(std::string_view name, Type type, const std::string& constant) const;
    [[nodiscard]] std::string checked_text(std::string_view name, Type type) const;
    [[nodiscard]] std::string word(std::string_view name, Type type,
                                   std::span<const std::string_view> known) const;

    const nlohmann::json& object_;
    std::string place_;
    std::span<const Member> known_;
    std::filesystem::path folder_;
};

/// @throws PlanError with the place before the reason
[[noreturn]] void fail(const std::string& place, const std::string& why);

/// The path as it is seen from the folder, without "." and "..". @throws PlanError where there is no current
/// folder
[[nodiscard]] std::string absolute_path(const std::string& path, const std::filesystem::path& folder);

/// @throws PlanError when the value is not an object
void require_object(const nlohmann::json& value, const std::string& place);

} // namespace pkcs11_fault
