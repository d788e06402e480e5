// SPDX-License-Identifier: BSD-2-Clause
#include "folders.hpp"

#include "failure.hpp"
#include "files.hpp"

#include <softhsm_fixtures/modules.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <regex>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* record_name = "fixture.json";

/// When a process started, as Linux tells it; empty elsewhere, and when there is no such process.
[[nodiscard]] std::string start_of(long process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(file, text);
    // The program's name, in brackets, may hold anything.
    const auto end = text.rfind(')');
    if (end == std::string::npos) {
        return {};
    }
    std::istringstream fields(text.substr(end + 1));
    std::string field;
    // The 22nd field of all; the first behind the name is the third.
    for (int i = 3; i <= 22; ++i) {
        fields >> field;
    }
    return field;
}

/// Where this process's number means something: the kernel since it was started, and the container.
[[nodiscard]] std::string own_process_space() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string boot;
    std::getline(file, boot);
    std::error_code error;
    const auto space = fs::read_symlink("/proc/self/ns/pid", error);
    return error ? std::string() : boot + ' ' + space.string();
}

/// Whether the process that removes the folder is there, as far as can be told.
[[nodiscard]] bool runs(const FolderRecord& record) {
    if (record.process <= 0 || (::kill(static_cast<pid_t>(record.process), 0) != 0 && errno == ESRCH)) {
        return false;
    }
    return start_of(record.process) == record.process_start;
}

[[nodiscard]] std::optional<FolderRecord> read_record(const fs::path& folder) {
    std::ifstream file(folder / record_name);
    const json read = json::parse(file, nullptr, false);
    if (!read.is_object()) {
        return std::nullopt;
    }
    try {
        FolderRecord record;
        record.module = read.at("module").get<std::string>();
        record.process = read.at("process").get<long>();
        record.process_start = read.at("process-start").get<std::string>();
        record.process_space = read.value("process-space", "");
        for (const auto& token : read.at("tokens")) {
            record.tokens.push_back({token.at("label").get<std::string>(), token.at("serial").get<std::string>()});
        }
        return record;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

/// Whether a folder has a name as the library gives it: a stem, who made it, and six letters or digits.
[[nodiscard]] bool has_fixture_name(const fs::path& folder) {
    static const std::regex& pattern = *new std::regex("(.+)-p[0-9]{1,9}s[0-9]{1,20}-[A-Za-z0-9]{6}");
    const std::string name = folder.filename().string();
    std::smatch parts;
    if (!std::regex_match(name, parts, pattern)) {
        return false;
    }
    const std::string stem = parts[1];
    return stem == "softhsm" || stem == "pkcs11-fault" || find_module(stem) != nullptr;
}

/// Whether a folder is one that a fixture of this user made.
[[nodiscard]] bool is_fixture_folder(const fs::path& folder) {
    struct stat status {};
    return has_fixture_name(folder) && ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == ::geteuid() && (status.st_mode & 07777U) == 0700U;
}

[[nodiscard]] std::time_t newest_change(const fs::path& folder) {
    std::time_t newest = 0;
    const auto look_at = [&](const fs::path& path) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0) {
            newest = std::max(newest, status.st_mtime);
        }
    };
    look_at(folder);
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; entry != end; entry.increment(error)) {
        look_at(entry->path());
    }
    return newest;
}

[[nodiscard]] std::string iso_time(std::time_t time) {
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

[[nodiscard]] FixtureFolder describe(const fs::path& folder) {
    FixtureFolder description;
    description.path = folder;
    description.record = read_record(folder);
    if (description.record) {
        description.state = runs(*description.record) ? FolderState::in_use : FolderState::left;
    }
    description.changed_at = newest_change(folder);
    description.changed = iso_time(description.changed_at);
    return description;
}

} // namespace

std::string_view name_of(FolderState state) noexcept {
    switch (state) {
    case FolderState::in_use:
        return "in use";
    case FolderState::left:
        return "left";
    case FolderState::unknown:
        break;
    }
    return "unknown";
}

FolderRecord record_of_this_process() {
    FolderRecord record;
    record.process = ::getpid();
    record.process_start = start_of(record.process);
    record.process_space = own_process_space();
    return record;
}

void write_folder_record(const fs::path& folder, const FolderRecord& record) {
    json written = {{"module", record.module.string()},
                    {"process", record.process},
                    {"process-start", record.process_start},
                    {"process-space", record.process_space},
                    {"tokens", json::array()}};
    for (const auto& token : record.tokens) {
        written["tokens"].push_back({{"label", token.label}, {"serial", token.serial}});
    }
    write_private_file(folder / record_name, written.dump(2, ' ', false, json::error_handler_t::replace) + '\n');
}

fs::path temporary_root() {
    const char* wanted = std::getenv("TMPDIR");
    std::error_code error;
    const fs::path given = wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
    const fs::path found = fs::canonical(given, error);
    return error ? given : found;
}

std::vector<FixtureFolder> fixture_folders() {
    std::vector<FixtureFolder> folders;
    std::error_code error;
    for (fs::directory_iterator entry(temporary_root(), error), end; entry != end; entry.increment(error)) {
        if (is_fixture_folder(entry->path())) {
            folders.push_back(describe(entry->path()));
        }
    }
    std::sort(folders.begin(), folders.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return folders;
}

void mark_as_kept(const fs::path& folder) {
    auto record = read_record(folder);
    if (!record) {
        return;
    }
    record->process = 0;
    std::error_code ignored;
    fs::remove(folder / record_name, ignored);
    write_folder_record(folder, *record);
}

void remove_what_was_killed() noexcept {
    constexpr std::time_t hour = 60 * 60;
    try {
        const std::string space = own_process_space();
        for (const auto& folder : fixture_folders()) {
            if (!space.empty() && folder.record && folder.record->process > 0 && folder.state == FolderState::left &&
                folder.record->process_space == space && folder.changed_at + hour < std::time(nullptr)) {
                std::error_code ignored;
                fs::remove_all(folder.path, ignored);
            }
        }
    } catch (const std::exception&) {
        // Another one tidies up at the same time, or memory is short: not what the user asked for.
        return;
    }
}

void remove_fixture_folder(const fs::path& folder) {
    std::error_code error;
    const fs::path found = fs::canonical(folder, error);
    if (error) {
        throw Failure(Status::failed, "there is no folder \"" + folder.string() + "\": " + error.message());
    }
    if (!is_fixture_folder(found)) {
        throw Failure(Status::failed, "\"" + folder.string() +
                                          "\" is not a folder that a fixture of yours made; `softhsm-fixture list` shows them");
    }
    if (const auto record = read_record(found); record && runs(*record)) {
        throw Failure(Status::failed, "\"" + folder.string() + "\" is in use by process " + std::to_string(record->process) +
                                          "; end that, and it goes by itself");
    }
    fs::remove_all(found, error);
    if (error) {
        throw Failure(Status::failed, "cannot remove \"" + folder.string() + "\": " + error.message());
    }
}

} // namespace softhsm_fixtures::command
