// SPDX-License-Identifier: BSD-2-Clause
#include "columns.hpp"

#include <keyway/core/text.hpp>

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace keyway::cli {

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t columns) {
    const auto taken = width(text);
    return taken < columns ? text + std::string(columns - taken, ' ') : text;
}

Columns::Columns(Row headings) : headings_(std::move(headings)), widths_(headings_.size()) {
    fit(headings_);
}

void Columns::fit(const Row& row) {
    for(std::size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], width(visible(row[i])));
    }
}

std::string Columns::heading() const {
    return styled(joined(headings_), Style::bold, STDOUT_FILENO) + "\n";
}

std::string Columns::line(const Row& row) const {
    return joined(row) + "\n";
}

std::string Columns::joined(const Row& row) const {
    std::string out;
    for(std::size_t i = 0; i < row.size(); ++i) {
        const auto cell = visible(row[i]);
        out += i + 1 < row.size() ? padded(cell, widths_[i]) + "  " : cell;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

}  // namespace keyway::cli
