// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/subject_internal.hpp>

#include <softhsm_fixtures/content_names_internal.hpp>
#include <softhsm_fixtures/content_reader_internal.hpp>
#include <softhsm_fixtures/errors.hpp>

namespace softhsm_fixtures::internal {

namespace {

/// Splits at commas that no backslash stands before; the backslashes are gone from the parts.
[[nodiscard]] std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            parts.back().push_back(text[++i]);
        } else if (text[i] == ',') {
            parts.emplace_back();
        } else {
            parts.back().push_back(text[i]);
        }
    }
    return parts;
}

[[nodiscard]] std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

} // namespace

std::vector<SubjectPart> parse_subject(std::string_view text) {
    const auto known = known_subject_attributes();
    std::vector<SubjectPart> subject;
    for (const std::string& part : split(text)) {
        const auto equals = part.find('=');
        if (equals == std::string::npos) {
            throw InvalidContent("the subject " + in_quotes(text) + " has a part " +
                                 in_quotes(trimmed(part)) + " without =; write it as \"CN=Name,O=Company\"");
        }
        const std::string type = trimmed(part.substr(0, equals));
        static_cast<void>(
            known_word("the subject " + in_quotes(text), "attribute", type, {known.begin(), known.end()}));
        subject.push_back({type, trimmed(part.substr(equals + 1))});
        const std::string& value = subject.back().value;
        if (value.empty()) {
            throw InvalidContent("the subject " + in_quotes(text) + " has no value for " + type);
        }
        if (type == "C" && value.size() != 2) {
            throw InvalidContent("the subject " + in_quotes(text) + " has a C that is not two letters");
        }
    }
    return subject;
}

} // namespace softhsm_fixtures::internal
