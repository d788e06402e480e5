// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content_model_internal.hpp>

#include <softhsm_fixtures/content_reader_internal.hpp>

#include <algorithm>

namespace softhsm_fixtures::internal {

namespace {

constexpr std::string_view copy_mark = "{n}";

[[nodiscard]] std::string replaced(std::string text, const std::string& number) {
    for (std::size_t at = text.find(copy_mark); at != std::string::npos;
         at = text.find(copy_mark, at + number.size())) {
        text.replace(at, copy_mark.size(), number);
    }
    return text;
}

} // namespace

std::string place_of(const Entry& entry) {
    const std::string place = "entry " + std::to_string(entry.index + 1);
    return entry.name.empty() ? place : place + " (" + in_quotes(entry.name) + ")";
}

std::string expanded(const Pattern& pattern, unsigned n) { return replaced(pattern, std::to_string(n)); }

Bytes expanded_id(const Pattern& pattern, unsigned n) {
    const Bytes number = {static_cast<std::uint8_t>(n / 256U), static_cast<std::uint8_t>(n % 256U)};
    return from_hex(replaced(pattern, to_hex(number))).value_or(Bytes{});
}

std::optional<int> days_until_change(const Content& content) {
    std::optional<int> soonest;
    for (const Entry& entry : content.entries) {
        if (!entry.certificate || !entry.certificate->pem.empty()) {
            continue;
        }
        for (const int day :
             {entry.certificate->starts, entry.certificate->starts + entry.certificate->days}) {
            // What has begun or ended already stays so.
            if (day > 0 && (!soonest || day < *soonest)) {
                soonest = day;
            }
        }
    }
    return soonest;
}

} // namespace softhsm_fixtures::internal
