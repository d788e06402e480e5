// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string_view>

namespace softhsm_fixtures::internal {

/// Makes a new file of mode 0600.
///
/// @throws FixtureError when it is there already or cannot be written
void write_private_file(const std::filesystem::path& path, std::string_view text);

} // namespace softhsm_fixtures::internal
