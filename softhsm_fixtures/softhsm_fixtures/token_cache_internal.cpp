// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/token_cache_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/random_internal.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace softhsm_fixtures::internal {

namespace fs = std::filesystem;

namespace {

constexpr const char* cache_variable = "SOFTHSM_FIXTURES_CACHE";
constexpr const char* folder_name = "softhsm-fixtures";
constexpr std::string_view suffix = ".token";
constexpr off_t most_bytes = off_t{1} << 30U; // far more than 50,000 objects take
constexpr std::time_t day = 86'400;
constexpr std::time_t unused_for = 30 * day;

[[nodiscard]] std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

[[nodiscard]] std::string home() {
    if (auto folder = variable("HOME"); !folder.empty()) {
        return folder;
    }
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr || found->pw_dir == nullptr ? "" : found->pw_dir;
}

/// Where the cache may be when nobody says where.
[[nodiscard]] std::vector<fs::path> usual_places() {
    std::vector<fs::path> places;
    // A relative path is to be ignored. XDG Base Directory Specification 0.8
    if (const auto base = variable("XDG_CACHE_HOME"); base.starts_with('/')) {
        places.push_back(fs::path(base) / folder_name);
    }
    // A home that is not there is not meant to be: Debian builds with /nonexistent.
    std::error_code ignored;
    if (const auto base = home(); base.starts_with('/') && fs::is_directory(base, ignored)) {
        places.push_back(fs::path(base) / ".cache" / folder_name);
    }
    const auto temporary = variable("TMPDIR");
    places.push_back(fs::path(temporary.empty() ? "/tmp" : temporary) /
                     (std::string(folder_name) + "-cache-" + std::to_string(::geteuid())));
    return places;
}

/// The folder and what is above it, as far as it is not there.
void make_folders(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) == 0 || errno != ENOENT || !path.has_relative_path()) {
        return;
    }
    make_folders(path.parent_path());
    ::mkdir(path.c_str(), 0700);
}

/// All of a file of mine; nothing when it cannot be read.
[[nodiscard]] std::optional<std::string> read_whole(int file) {
    struct stat info {};
    if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || info.st_size > most_bytes) {
        return std::nullopt;
    }
    std::string content(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t done = 0;
    while (done < content.size()) {
        const ssize_t size = ::read(file, content.data() + done, content.size() - done);
        if (size <= 0) {
            return std::nullopt;
        }
        done += static_cast<std::size_t>(size);
    }
    return content;
}

[[nodiscard]] bool write_whole(int file, std::string_view content) {
    while (!content.empty()) {
        const ssize_t size = ::write(file, content.data(), content.size());
        if (size <= 0) {
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

} // namespace

std::optional<TokenCache> TokenCache::open() {
    std::string why_not;
    if (const auto wanted = variable(cache_variable); !wanted.empty()) {
        const auto path = fs::absolute(wanted);
        // Whoever writes a wrong path, root above all, must not have a tree of folders made.
        if (const auto above = (path.has_filename() ? path : path.parent_path()).parent_path(); !fs::is_directory(above)) {
            throw FixtureError("the cache \"" + wanted + "\" is to be in \"" + above.string() + "\", which is no folder; make it, or set " +
                               cache_variable + " to a folder of your own");
        }
        auto cache = open_folder(path, why_not);
        if (!cache) {
            throw FixtureError("the cache \"" + wanted + "\" " + why_not + "; set " + cache_variable +
                               " to a folder of your own");
        }
        return cache;
    }
    for (const auto& place : usual_places()) {
        if (auto cache = open_folder(place, why_not)) {
            return cache;
        }
    }
    return std::nullopt;
}

std::optional<TokenCache> TokenCache::open_folder(const fs::path& path, std::string& why_not) {
    make_folders(path);
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!folder.is_open() || ::fstat(folder.get(), &info) != 0) {
        why_not = "cannot be used: " + std::generic_category().message(errno);
        return std::nullopt;
    }
    // It holds PINs and keys, and what is in it becomes a token: nobody else may put something there.
    if (info.st_uid != ::geteuid()) {
        why_not = "belongs to another user";
        return std::nullopt;
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        why_not = "can be written by others";
        return std::nullopt;
    }
    if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
        why_not = "cannot be written: " + std::generic_category().message(errno);
        return std::nullopt;
    }
    return TokenCache(path, std::move(folder));
}

std::optional<TokenArchive> TokenCache::find(const std::string& key) const {
    const std::string name = key + std::string(suffix);
    // Whatever else it may be, it is not waited for.
    const Descriptor file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) {
        return std::nullopt;
    }
    const auto content = read_whole(file.get());
    auto archive = content ? decoded(*content) : std::nullopt;
    if (!archive || (archive->best_before != 0 && archive->best_before < std::time(nullptr))) {
        return std::nullopt;
    }
    // For remove_old(), which would take an entry in use for an old one; not at each use, as it is written to
    // disk.
    struct stat info {};
    if (::fstat(file.get(), &info) == 0 && info.st_mtime < std::time(nullptr) - day) {
        ::futimens(file.get(), nullptr);
    }
    return archive;
}

void TokenCache::store(const std::string& key, const TokenArchive& archive) const noexcept {
    try {
        const std::string name = key + std::string(suffix);
        const std::string part = name + '-' + random_hex(16) + ".part";
        const Descriptor file(::openat(folder_.get(), part.c_str(),
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file.is_open()) {
            return;
        }
        if (!write_whole(file.get(), encoded(archive)) ||
            ::renameat(folder_.get(), part.c_str(), folder_.get(), name.c_str()) != 0) {
            ::unlinkat(folder_.get(), part.c_str(), 0);
        }
        remove_old();
    } catch (...) {
        // Without memory or random bytes there is no cache, but still a token.
    }
}

Descriptor TokenCache::lock(const std::string& key) const {
    // A few files for all keys, which never have to be removed.
    const std::string name = "lock-" + key.substr(0, 2);
    Descriptor file(::openat(folder_.get(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    while (file.is_open() && ::flock(file.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    return file;
}

void TokenCache::remove_old() const {
    const std::time_t oldest = std::time(nullptr) - unused_for;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path_, ignored)) {
        const std::string name = entry.path().filename().string();
        struct stat info {};
        const bool mine = name.ends_with(suffix) || name.ends_with(".part");
        if (mine && ::fstatat(folder_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            info.st_mtime < (name.ends_with(".part") ? std::time(nullptr) - day : oldest)) {
            ::unlinkat(folder_.get(), name.c_str(), 0);
        }
    }
}

} // namespace softhsm_fixtures::internal
