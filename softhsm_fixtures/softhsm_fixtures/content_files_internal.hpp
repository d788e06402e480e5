// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <string>

namespace softhsm_fixtures::internal {

/// A whole file of at most `largest` bytes.
///
/// @throws InvalidContent that names the path
[[nodiscard]] std::string read_listed_file(const std::filesystem::path& path, std::size_t largest);

/// Puts what files hold in the place of their names: "pem-file" becomes "pem", "file" becomes "hex".
///
/// @throws InvalidContent when a file cannot be read, or an entry gives both
void take_in_files(nlohmann::json& list, const std::filesystem::path& folder);

} // namespace softhsm_fixtures::internal
