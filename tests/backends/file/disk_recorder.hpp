// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace keyway::test {

/// One call that changes what is in a folder, or sees to it that a change is on the disk.
struct DiskCall {
    enum class Kind { make_folder, make_file, write, sync_file, sync_folder, link, rename, unlink, remove_folder };

    Kind kind;
    int file = -1;         ///< the number of the file, in the order in which files were made
    std::string path{};    ///< below the root; "" is the root
    std::string to{};      ///< of link and rename
    std::string data{};    ///< of write
};

/// Records the calls of this process below a folder as long as it lives. The program has functions in the place of the C
/// library's, which do the same and tell this.
/// @threadsafety one at a time, and one thread
class DiskRecorder {
public:
    enum class Offers { nameless_files, named_files_only };

    DiskRecorder(const std::filesystem::path& root, Offers offers);
    DiskRecorder(const DiskRecorder&) = delete;
    DiskRecorder& operator=(const DiskRecorder&) = delete;
    ~DiskRecorder();

    [[nodiscard]] const std::vector<DiskCall>& calls() const;
};

/// What is below a folder: the content of each file, nothing for a folder.
using DiskState = std::map<std::string, std::optional<std::string>>;

[[nodiscard]] DiskState state_of(const std::filesystem::path& root);

/// Makes that state, for its owner only.
void write_state(const DiskState& state, const std::filesystem::path& root);

/// All that a disk may show when the power goes after these calls. What has been synced is there. Of each folder, any of the changes
/// since it was last synced may be there or not, whatever their order was; and of a file whose content was not synced nothing, a
/// part, zeros, or all.
/// @param before what was there, and on the disk
[[nodiscard]] std::set<DiskState> states_after_power_cut(const DiskState& before, std::span<const DiskCall> calls);

}  // namespace keyway::test
