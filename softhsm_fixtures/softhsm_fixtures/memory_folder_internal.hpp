// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace softhsm_fixtures::internal {

/// A folder whose files are in memory, with room for a token with so many objects; nothing where there is
/// none.
///
/// SoftHSM rewrites an object's file for each of its attributes. On a disk's file system that takes 50 times
/// as long.
[[nodiscard]] std::optional<std::filesystem::path> memory_folder(std::size_t objects);

/// Whether the files of a folder are in memory.
[[nodiscard]] bool is_in_memory(const std::filesystem::path& folder);

} // namespace softhsm_fixtures::internal
