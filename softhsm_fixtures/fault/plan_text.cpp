// SPDX-License-Identifier: BSD-2-Clause
#include "plan_text.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace pkcs11_fault::text {
namespace {

constexpr std::size_t longest_quoted = 100;
constexpr std::size_t longest_compared = 100;

[[nodiscard]] char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// How many letters have to be added, left out, changed or swapped with the next, whatever their case.
[[nodiscard]] std::size_t distance(std::string_view one, std::string_view other) {
    const auto same = [&](std::size_t i, std::size_t j) { return lower(one[i]) == lower(other[j]); };
    std::vector<std::size_t> before_last(other.size() + 1);
    std::vector<std::size_t> last(other.size() + 1);
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < one.size(); ++i) {
        std::swap(before_last, last);
        std::swap(last, row);
        row[0] = i + 1;
        for (std::size_t j = 0; j < other.size(); ++j) {
            row[j + 1] = std::min({last[j] + (same(i, j) ? 0 : 1), last[j + 1] + 1, row[j] + 1});
            if (i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j)) {
                row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
            }
        }
    }
    return row.back();
}

/// What all names begin with: "CKR_". It says nothing about which of them is meant.
[[nodiscard]] std::string_view common_beginning(std::span<const std::string_view> names) {
    if (names.size() < 2) {
        return {};
    }
    auto result = names.front();
    for (const auto name : names) {
        const auto differ = std::ranges::mismatch(result, name).in1;
        result = result.substr(0, static_cast<std::size_t>(differ - result.begin()));
    }
    return result;
}

/// A name that goes on where the other ends is near, whatever its length.
[[nodiscard]] bool begins_alike(std::string_view one, std::string_view other) {
    constexpr std::size_t enough = 3;
    const auto shorter = std::min(one.size(), other.size());
    return shorter >= enough && distance(one.substr(0, shorter), other.substr(0, shorter)) == 0;
}

/// The length of the UTF-8 sequence that begins the text, 0 when it is none.
[[nodiscard]] std::size_t sequence_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
        return i < text.size() && byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return continues(1) ? 2 : 0;
    }
    if (first >= 0xe0 && first <= 0xef) {
        // No longer form than needed, no surrogates.
        const bool second = continues(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
        return second && continues(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool second = continues(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
        return second && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

} // namespace

std::string quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result = "\"";
    while (!text.empty()) {
        if (result.size() > longest_quoted) {
            result += "...";
            break;
        }
        const std::size_t length = sequence_length(text);
        const auto byte = static_cast<unsigned char>(text.front());
        if (length == 0 || byte < 0x20 || byte == 0x7f) {
            result += "\\x";
            result += digits[byte >> 4U];
            result += digits[byte & 0xfU];
            text.remove_prefix(1);
            continue;
        }
        result += text.substr(0, length);
        text.remove_prefix(length);
    }
    return result + "\"";
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
    const auto common = common_beginning(known);
    const auto rest = name.starts_with(common) ? name.substr(common.size()) : name;
    if (rest.empty() || name.size() > longest_compared) {
        return {};
    }
    std::string_view best;
    std::size_t least = 1 + std::max<std::size_t>(1, rest.size() / 3);
    for (const auto candidate : known) {
        if (const std::size_t steps = distance(name, candidate); steps < least) {
            least = steps;
            best = candidate;
        }
    }
    if (!best.empty()) {
        return best;
    }
    std::size_t most = 0;
    for (const auto candidate : known) {
        const auto length = std::min(name.size(), candidate.size());
        if (length > most && begins_alike(rest, candidate.substr(common.size()))) {
            most = length;
            best = candidate;
        }
    }
    return best;
}

std::string unknown(std::string_view what, std::string_view name, std::span<const std::string_view> known) {
    std::string result = "unknown " + std::string(what) + " " + quoted(name) + ";";
    if (const auto near = nearest(name, known); !near.empty()) {
        result += " did you mean " + quoted(near) + "?";
    }
    return result + " known: " + joined(known);
}

std::string joined(std::span<const std::string_view> names) {
    std::string result;
    for (const auto name : names) {
        if (!result.empty()) {
            result += ", ";
        }
        result += name;
    }
    return result;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

} // namespace pkcs11_fault::text
