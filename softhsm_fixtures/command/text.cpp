// SPDX-License-Identifier: BSD-2-Clause
#include "text.hpp"

namespace softhsm_fixtures::command {

namespace {

[[nodiscard]] std::string replaced(std::string_view text, char wanted, std::string_view replacement) {
    std::string result;
    for (const char character : text) {
        if (character == wanted) {
            result += replacement;
        } else {
            result.push_back(character);
        }
    }
    return result;
}

} // namespace

std::string quoted_list(const std::vector<std::string>& names) {
    std::string list;
    for (const auto& name : names) {
        list += (list.empty() ? "\"" : ", \"") + name + '"';
    }
    return list;
}

std::string quoted_for_sh(std::string_view text) {
    return '\'' + replaced(text, '\'', "'\\''") + '\'';
}

std::string quoted_for_fish(std::string_view text) {
    return '\'' + replaced(replaced(text, '\\', "\\\\"), '\'', "\\'") + '\'';
}

std::string escaped_for_openssl(std::string_view text) {
    // A backslash before a letter may be a control character, so only what could be syntax gets one.
    constexpr std::string_view syntax = "\\#$\"'`;=[]{}()";
    std::string escaped;
    for (const char character : text) {
        if (syntax.find(character) != std::string_view::npos) {
            escaped.push_back('\\');
        }
        escaped.push_back(character);
    }
    return escaped;
}

} // namespace softhsm_fixtures::command
