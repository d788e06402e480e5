// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string>

namespace softhsm_fixtures::internal {

/// What the name of a folder holds in its middle, so that another process can tell when nobody is left to
/// remove it: this process, and when it started.
[[nodiscard]] std::string owner_mark();

/// Holds the folder as long as the result is open; -1 when the file system cannot do that.
[[nodiscard]] int hold_folder(const std::filesystem::path& folder) noexcept;

/// Makes a folder stay, whatever becomes of this process.
void mark_as_kept(const std::filesystem::path& folder) noexcept;

/// Removes the folders in `parent` that processes of this user made and, as they crashed, did not remove.
///
/// Only what is named with an owner_mark(), was not changed for an hour, is not kept, and belongs to a
/// process that is gone; and nothing that any process holds. Done once per process and parent.
///
/// @threadsafety safe, also between processes
void remove_left_folders(const std::filesystem::path& parent) noexcept;

} // namespace softhsm_fixtures::internal
