// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/clock.hpp>

namespace keyway {

namespace {

std::string digits(long number, std::size_t count) {
    const std::string text = std::to_string(number);
    return text.size() < count ? std::string(count - text.size(), '0') + text : text;
}

}  // namespace

std::string to_iso_8601(Time time) {
    using namespace std::chrono;
    // Nearer to the ends of what a Time can hold, the arithmetic of the calendar overflows.
    if(time < sys_days(year(0) / January / 1) || time >= sys_days(year(10000) / January / 1)) {
        return "a time outside the years 0 to 9999";
    }
    const auto midnight = floor<days>(time);
    const year_month_day date(midnight);
    const hh_mm_ss clock(time - midnight);
    return digits(static_cast<int>(date.year()), 4) + "-" + digits(static_cast<unsigned>(date.month()), 2) + "-" +
           digits(static_cast<unsigned>(date.day()), 2) + "T" + digits(clock.hours().count(), 2) + ":" +
           digits(clock.minutes().count(), 2) + ":" + digits(clock.seconds().count(), 2) + "Z";
}

}  // namespace keyway
