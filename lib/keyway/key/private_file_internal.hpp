// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <sys/stat.h>

namespace keyway {

/// Refuses a file or folder with keys in it that others can read or replace.
///
/// @param info of the opened file where it can be opened: what was checked is then what is read
/// @throws Errc::permissions_insecure when it belongs to another user than this process runs as, or when the group or
///         others have any right to it
void require_private(const struct stat& info, const std::filesystem::path& path);

}  // namespace keyway
