// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/folder_owner_internal.hpp>

#include <softhsm_fixtures/descriptor_internal.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>

namespace softhsm_fixtures::internal {

namespace fs = std::filesystem;

namespace {

constexpr const char* kept_name = ".kept";
// Whoever looks into what a crash has left should have the time for it.
constexpr std::time_t left_for = 3600;
// What was to become a token says nothing, and holds PINs in memory.
constexpr std::string_view making = "softhsm-making-";
constexpr std::time_t making_left_for = 60;

/// When a process started, in Linux's clock ticks; 0 elsewhere, and when there is no such process.
[[nodiscard]] std::string start_of(long process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(file, text);
    // The program's name, in brackets, may hold anything; the start is the 20th field behind it.
    std::istringstream fields(text.substr(std::min(text.rfind(')'), text.size() - 1) + 1));
    std::string field;
    for (int i = 0; i < 20; ++i) {
        fields >> field;
    }
    return fields ? field : "0";
}

struct Owner {
    long process;
    std::string start;
};

/// Who made a folder of this name; nothing when it is not one of this library's.
[[nodiscard]] std::optional<Owner> owner_in(const std::string& name) {
    static const std::regex& pattern = *new std::regex("-p([0-9]{1,9})s([0-9]{1,20})-[A-Za-z0-9]{6}$");
    std::smatch parts;
    if (!std::regex_search(name, parts, pattern)) {
        return std::nullopt;
    }
    return Owner{std::strtol(parts[1].str().c_str(), nullptr, 10), parts[2]};
}

[[nodiscard]] bool is_gone(const Owner& owner) {
    if (owner.process > 0 && ::kill(static_cast<pid_t>(owner.process), 0) != 0 && errno == ESRCH) {
        return true;
    }
    const std::string start = start_of(owner.process);
    return start != "0" && owner.start != "0" && start != owner.start;
}

[[nodiscard]] bool has(int folder, const char* name) {
    struct stat info {};
    return ::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

void remove_if_left(const fs::path& path) {
    const auto owner = owner_in(path.filename().string());
    if (!owner || !is_gone(*owner)) {
        return;
    }
    const auto wait = path.filename().string().starts_with(making) ? making_left_for : left_for;
    const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!folder.is_open() || ::fstat(folder.get(), &info) != 0 || info.st_uid != ::geteuid() ||
        (info.st_mode & 0777U) != 0700U || info.st_mtime > std::time(nullptr) - wait) {
        return;
    }
    // The command's folders have a record: they may be for a shell to use, and the command removes them.
    if (has(folder.get(), kept_name) || has(folder.get(), "fixture.json")) {
        return;
    }
    // A process in another container may have it, and a child that the owner left may still use it.
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
}

/// Whether nobody in this process has asked before.
[[nodiscard]] bool first_time(const fs::path& parent) {
    // Never destroyed, as folders are made in other objects' constructors and destructors.
    static std::mutex& mutex = *new std::mutex; // NOLINT(cppcoreguidelines-owning-memory)
    static std::set<fs::path>& seen = *new std::set<fs::path>;
    const std::lock_guard lock(mutex);
    return seen.insert(parent).second;
}

} // namespace

std::string owner_mark() {
    const long process = ::getpid();
    return "p" + std::to_string(process) + "s" + start_of(process);
}

int hold_folder(const fs::path& folder) noexcept {
    const int held = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (held >= 0 && ::flock(held, LOCK_EX | LOCK_NB) != 0) {
        ::close(held);
        return -1;
    }
    return held;
}

void mark_as_kept(const fs::path& folder) noexcept {
    const int file =
        ::open((folder.string() + '/' + kept_name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) {
        ::close(file);
    }
}

void remove_left_folders(const fs::path& parent) noexcept {
    try {
        if (!first_time(parent)) {
            return;
        }
        std::error_code error;
        for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
             entry.increment(error)) {
            remove_if_left(entry->path());
        }
    } catch (...) {
        // What is left there is no reason to make nothing here.
    }
}

} // namespace softhsm_fixtures::internal
