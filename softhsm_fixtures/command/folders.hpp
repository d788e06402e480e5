// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::command {

/// A token as a folder's record names it.
struct RecordedToken {
    std::string label;
    std::string serial;
};

/// What a fixture writes about itself into its folder: no PIN.
struct FolderRecord {
    std::filesystem::path module;
    std::vector<RecordedToken> tokens;
    long process = 0;          ///< of the one that removes the folder; 0: nobody does
    std::string process_start; ///< so that another process with the same number is not taken for it
    std::string process_space; ///< in which its number means something: a container has its own; empty: to be kept
};

/// Whether somebody still uses a folder.
enum class FolderState {
    in_use,  ///< the process that made it runs
    left,    ///< nobody is going to remove it
    unknown, ///< made by a test program, which leaves no record
};

/// A folder that a fixture made.
struct FixtureFolder {
    std::filesystem::path path;
    FolderState state = FolderState::unknown;
    std::optional<FolderRecord> record;
    std::time_t changed_at = 0; ///< newest change of anything in it
    std::string changed;        ///< the same as ISO 8601 in UTC
};

[[nodiscard]] std::string_view name_of(FolderState state) noexcept;

/// This process, for FolderRecord.
[[nodiscard]] FolderRecord record_of_this_process();

/// @throws Failure
void write_folder_record(const std::filesystem::path& folder, const FolderRecord& record);

/// Where folders are made: TMPDIR, or /tmp.
[[nodiscard]] std::filesystem::path temporary_root();

/// The folders of this user's fixtures there, sorted by path.
[[nodiscard]] std::vector<FixtureFolder> fixture_folders();

/// Writes into a folder's record that nobody removes it.
///
/// @throws Failure
void mark_as_kept(const std::filesystem::path& folder);

/// Removes what is left of fixtures that were killed with all their processes: nothing that was asked to be kept, nothing
/// that is not a `run` or `shell` of this user in this container, and nothing that changed in the last hour.
void remove_what_was_killed() noexcept;

/// Removes a folder that a fixture made, and no other.
///
/// @throws Failure when it is none, or is in use
void remove_fixture_folder(const std::filesystem::path& folder);

} // namespace softhsm_fixtures::command
