// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::internal {

/// One part of a distinguished name: type "CN", value in UTF-8.
struct SubjectPart {
    std::string type;
    std::string value;
    bool operator==(const SubjectPart&) const = default;
};

/// Reads "CN=Root,O=Example", in the order in which the name is encoded; a backslash makes the next character
/// a plain one.
///
/// @throws InvalidContent that says what is wrong with the text
[[nodiscard]] std::vector<SubjectPart> parse_subject(std::string_view text);

} // namespace softhsm_fixtures::internal
