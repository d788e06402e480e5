// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyway::cli {

/// Writes to standard output, all of it.
/// @throws Errc::storage_failed when it is closed, full or nobody reads it
void print(std::string_view text);
void print_bytes(std::span<const std::uint8_t> bytes);

/// Writes to standard error; when that fails there is nobody left to tell.
void print_error(std::string_view text) noexcept;

[[nodiscard]] bool output_is_terminal() noexcept;
[[nodiscard]] bool error_is_terminal() noexcept;

enum class Style { plain, bold, red, yellow };

/// Text in a style, where the file descriptor is a terminal and NO_COLOR is not set; else the text alone.
[[nodiscard]] std::string styled(std::string_view text, Style style, int descriptor);

using Row = std::vector<std::string>;

/// Rows below headings, in columns; ends in a line end.
[[nodiscard]] std::string table(const Row& headings, const std::vector<Row>& rows);

/// Lines of names and values in two columns; lines without a value are left out.
[[nodiscard]] std::string facts(const std::vector<std::pair<std::string, std::string>>& lines);

/// Text broken into lines of at most 80 columns, each but the first beginning with that many spaces.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t first_column);

}  // namespace keyway::cli
