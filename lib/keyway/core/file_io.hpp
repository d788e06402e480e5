// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace keyway {

/// Who may read a file that is written.
enum class FileAccess {
    owner_only,  ///< 0600: keys
    everyone,    ///< what the umask allows: certificates, CRLs, references
};

/// Reads a whole file into wiped memory.
///
/// @param limit the most bytes it may have
/// @throws Errc::storage_failed when it cannot be read
/// @throws Errc::malformed_data when it is larger than the limit or no regular file or pipe
[[nodiscard]] KEYWAY_API Botan::secure_vector<std::uint8_t> read_file(const std::filesystem::path& path, std::size_t limit);

/// Makes a new file, whole or not at all, and on the disk when this returns: a file without a name (or, where the file
/// system has none, with a temporary one) is written and synced, then linked to the name, then the folder is synced. An
/// existing file is never overwritten. A folder that may be written but not read is not synced.
///
/// @throws Errc::already_exists when the name is taken
/// @throws Errc::storage_failed when it cannot be written; nothing is left behind
KEYWAY_API void write_new_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes, FileAccess access);

/// Writes a file as write_new_file does, taking the place of one that is there already.
///
/// @throws Errc::storage_failed when it cannot be written; the old file is then still there
KEYWAY_API void replace_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes, FileAccess access);

/// Makes the name of a file that was just made last: after a power cut it is there.
/// @throws Errc::storage_failed; where the folder may not be read, or the file system cannot do it, there is nothing to be done
KEYWAY_API void sync_name(const std::filesystem::path& path);

/// Removes a file, durably.
///
/// @throws Errc::storage_failed when it cannot be removed
KEYWAY_API void remove_file(const std::filesystem::path& path);

}  // namespace keyway
