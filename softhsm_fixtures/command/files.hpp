// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace softhsm_fixtures::command {

/// Opens something where standard input, output or error is closed, on which reading and writing fail all the same: the
/// next file that is opened would have that number, and what is printed would get into it.
void fill_standard_descriptors() noexcept;

/// Makes a file with mode 0600.
///
/// @throws Failure when it is there already or cannot be written
void write_private_file(const std::filesystem::path& path, std::string_view text);

/// @throws Failure when it cannot be read, with `what` it is in the message
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::string_view what);

/// Adds a line in one write, so that several writers do not mix theirs.
///
/// @throws Failure when it cannot be written
void append_line(const std::filesystem::path& path, std::string_view line);

} // namespace softhsm_fixtures::command
