// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <sys/stat.h>

namespace keyway {

/// Refuses a file or folder with keys in it that others can read or replace.
///
/// @param info of the opened file where it can be opened: what was checked is then what is read
/// @throws Errc::permissions_insecure when it belongs to another user than this process runs as, or when the group or
///         others have any right to it
void require_private(const struct stat& info, const std::filesystem::path& path);

/// Sees whether a file of a size could be added to a folder: writes one without a name, which goes again. Where the file system
/// has no such files, what is allowed has to do.
///
/// @param folder its open descriptor
/// @param path the folder, for messages
/// @throws Errc::storage_failed when it may not be written, or there is no room, or a quota is used up
void require_room(int folder, const std::filesystem::path& path, std::size_t size);

}  // namespace keyway
