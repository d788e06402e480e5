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

std::string word_of_sh(std::string_view text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/=:,+@%";
    return !text.empty() && text.find_first_not_of(plain) == std::string_view::npos ? std::string(text) : quoted_for_sh(text);
}

std::string shown_in_quotes(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            result += {'\\', character};
        } else if (byte < 0x20 || byte == 0x7f) {
            result += {'\\', 'x', digits[byte / 16U], digits[byte % 16U]};
        } else {
            result.push_back(character);
        }
    }
    return result + '"';
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
