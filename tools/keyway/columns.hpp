// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "terminal.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// How many columns a text takes: its code points, near enough.
[[nodiscard]] std::size_t width(std::string_view text);

/// The text with spaces behind it, up to that many columns.
[[nodiscard]] std::string padded(const std::string& text, std::size_t columns);

/// The lines of a table whose rows need not be in memory at once: its columns are fitted to all rows, then each is written.
class Columns {
public:
    explicit Columns(Row headings);

    /// Makes the columns wide enough for a row.
    void fit(const Row& row);

    /// The headings as a line, with its end; bold on a terminal.
    [[nodiscard]] std::string heading() const;

    /// A row as a line, with its end.
    [[nodiscard]] std::string line(const Row& row) const;

private:
    [[nodiscard]] std::string joined(const Row& row) const;

    Row headings_;
    std::vector<std::size_t> widths_;
};

}  // namespace keyway::cli
