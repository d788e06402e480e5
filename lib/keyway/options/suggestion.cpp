// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <numeric>

namespace keyway {

namespace {

/// The Levenshtein distance: how many characters to put in, take out or change.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for(std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for(std::size_t j = 0; j < b.size(); ++j) {
            const auto changed = diagonal + (a[i] == b[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view typed, const std::vector<std::string>& known) {
    // Names come from people; a very long one is no typing error, and the comparison is quadratic.
    if(typed.size() > 64) {
        return std::nullopt;
    }
    std::optional<std::string> best;
    // Who stops early means what begins so, however much is missing.
    const auto letters = typed.substr(std::min(typed.find_first_not_of('-'), typed.size()));
    const bool is_beginning =
        letters.size() >= 2 && std::ranges::any_of(known, [&](const auto& name) { return name.starts_with(typed); });
    // About one slip in three letters; two letters changed over are two.
    std::size_t best_distance = (typed.size() + 2) / 3 + 1;
    for(const auto& name : known) {
        if(is_beginning && !name.starts_with(typed)) {
            continue;
        }
        const auto d = distance(typed, name);
        if(d < best_distance || (is_beginning && !best)) {
            best_distance = d;
            best = name;
        }
    }
    return best;
}

std::string name_hint(std::string_view typed, const std::vector<std::string>& known) {
    if(const auto nearest = nearest_name(typed, known)) {
        return "did you mean " + in_quotes(*nearest) + "?";
    }
    if(known.empty()) {
        return "there are none here";
    }
    std::string list = "known here: ";
    for(std::size_t i = 0; i < known.size(); ++i) {
        list += (i == 0 ? "" : ", ") + known[i];
    }
    return list;
}

}  // namespace keyway
