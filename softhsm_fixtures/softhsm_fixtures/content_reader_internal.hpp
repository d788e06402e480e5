// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/content_model_internal.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::internal {

/// Reads JSON of bounded size and depth, without a member given twice.
///
/// @throws InvalidContent that names line and column, or the member
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

/// A text in double quotes, with what cannot be printed left out and cut when it is long.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Names for a message: `a, b, c`.
[[nodiscard]] std::string joined(const std::vector<std::string_view>& names);

/// The bytes of hexadecimal digits; nullopt when the text is something else.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
[[nodiscard]] std::string to_hex(const Bytes& bytes);

/// One object of the list, with a place for messages. Every reading of a member checks its type and range.
///
/// @throws InvalidContent from every member function
class ObjectReader {
public:
    /// @param place where it is, for messages: `entry 3 ("server")`
    ObjectReader(const nlohmann::json& object, std::string place);

    void allow_only(const std::vector<std::string_view>& known, std::string_view what) const;

    [[nodiscard]] bool has(const std::string& member) const { return object_->contains(member); }
    [[nodiscard]] const nlohmann::json& at(const std::string& member) const { return object_->at(member); }
    [[nodiscard]] const std::string& place() const noexcept { return place_; }

    /// Without a limit of its own a text has at most longest_text bytes.
    [[nodiscard]] std::optional<std::string> text(const std::string& member,
                                                  std::size_t longest = longest_text) const;
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& member, std::int64_t least,
                                                     std::int64_t most) const;
    [[nodiscard]] std::optional<bool> flag(const std::string& member) const;
    [[nodiscard]] std::vector<std::string> texts(const std::string& member) const;
    [[nodiscard]] std::optional<Bytes> hex(const std::string& member, std::size_t longest) const;

    /// The index of the member's value among the known words; nullopt when the member is left out.
    [[nodiscard]] std::optional<std::size_t> word(const std::string& member,
                                                  const std::vector<std::string_view>& known) const;

    [[noreturn]] void refuse(const std::string& why) const;

private:
    const nlohmann::json* object_;
    std::string place_;
};

/// @throws InvalidContent that begins with the place when the word is not one of the known ones
[[nodiscard]] std::size_t known_word(const std::string& place, std::string_view what, std::string_view word,
                                     const std::vector<std::string_view>& known);

} // namespace softhsm_fixtures::internal
