// SPDX-License-Identifier: BSD-2-Clause
#include "times.hpp"

#include <keyway/core/error.hpp>

#include <algorithm>
#include <optional>

namespace keyway::cli {

namespace {

constexpr std::string_view day_form = "0000-00-00";
constexpr std::string_view time_form = "0000-00-00T00:00:00Z";

bool has_form(std::string_view text, std::string_view form) {
    return std::ranges::equal(
        text, form, [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; });
}

unsigned digits(std::string_view text, std::size_t from, std::size_t count) {
    unsigned number = 0;
    for(const char c : text.substr(from, count)) {
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number;
}

std::optional<Time> time_of(std::string_view text) {
    using namespace std::chrono;
    const bool with_time = has_form(text, time_form);
    if(!with_time && !has_form(text, day_form)) {
        return std::nullopt;
    }
    const year_month_day day{year(static_cast<int>(digits(text, 0, 4))), month(digits(text, 5, 2)),
                             std::chrono::day(digits(text, 8, 2))};
    if(!day.ok()) {
        return std::nullopt;
    }
    if(!with_time) {
        return sys_days(day);
    }
    const auto hour = digits(text, 11, 2);
    const auto minute = digits(text, 14, 2);
    const auto second = digits(text, 17, 2);
    if(hour > 23 || minute > 59 || second > 59) {
        return std::nullopt;
    }
    return sys_days(day) + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace

Time parse_time(std::string_view text, std::string_view what) {
    const auto time = time_of(text);
    if(!time) {
        throw Error(Errc::invalid_argument, std::string(what) + " " + in_quotes(text) + " is no time",
                    "write it as 2030-12-31 or 2030-12-31T23:59:59Z, in UTC");
    }
    return *time;
}

}  // namespace keyway::cli
