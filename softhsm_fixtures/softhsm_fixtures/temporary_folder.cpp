// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/temporary_folder.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/folder_owner_internal.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace softhsm_fixtures {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& parent, const std::error_code& error) {
    throw FixtureError("cannot make a folder in \"" + parent.string() + "\": " + error.message() +
                       "; set TMPDIR to a writable folder");
}

[[nodiscard]] fs::path usual_parent() {
    const char* wanted = std::getenv("TMPDIR");
    return wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
}

[[nodiscard]] fs::path make_folder(const std::string& stem, const fs::path& parent) {
    std::error_code error;
    const fs::path real_parent = fs::canonical(parent, error);
    if (error) {
        refuse(parent, error);
    }
    internal::remove_left_folders(real_parent);
    std::string path = (real_parent / (stem + "-" + internal::owner_mark() + "-XXXXXX")).string();
    if (::mkdtemp(path.data()) == nullptr) {
        refuse(parent, {errno, std::generic_category()});
    }
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 0700U) != 0700U) {
        // Nothing could be made in it, nor it be emptied again.
        ::rmdir(path.c_str());
        throw FixtureError("the umask takes the owner's own rights from what is made; set it to 077 or 022");
    }
    return path;
}

[[nodiscard]] bool keep_is_set() noexcept {
    const char* value = std::getenv("SOFTHSM_FIXTURES_KEEP");
    return value != nullptr && *value != '\0';
}

} // namespace

TemporaryFolder::TemporaryFolder(const std::string& stem) : TemporaryFolder(stem, usual_parent()) {}

TemporaryFolder::TemporaryFolder(const std::string& stem, const fs::path& parent)
    : path_(make_folder(stem, parent)), owner_(static_cast<long>(::getpid())) {
    held_ = internal::hold_folder(path_);
    if (keep_is_set()) {
        internal::mark_as_kept(path_);
    }
}

TemporaryFolder::~TemporaryFolder() { clean_up(); }

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), owner_(other.owner_), held_(std::exchange(other.held_, -1)),
      keep_(other.keep_) {}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
    if (this != &other) {
        clean_up();
        path_ = std::exchange(other.path_, {});
        owner_ = other.owner_;
        held_ = std::exchange(other.held_, -1);
        keep_ = other.keep_;
    }
    return *this;
}

void TemporaryFolder::keep() noexcept {
    keep_ = true;
    if (!path_.empty()) {
        internal::mark_as_kept(path_);
    }
}

void TemporaryFolder::remove() noexcept {
    let_go();
    if (path_.empty() || owner_ != static_cast<long>(::getpid())) {
        return;
    }
    std::error_code error;
    fs::remove_all(path_, error);
    if (error) {
        std::fprintf(stderr, "softhsm-fixture: cannot remove \"%s\" (error %d)\n", path_.c_str(),
                     error.value());
    }
    path_.clear();
}

void TemporaryFolder::clean_up() noexcept {
    const bool stays = keep_ || keep_is_set();
    if (stays && !path_.empty() && owner_ == static_cast<long>(::getpid())) {
        internal::mark_as_kept(path_);
        std::fprintf(stderr, "softhsm-fixture: kept \"%s\"\n", path_.c_str());
    }
    if (stays) {
        let_go();
        path_.clear();
    }
    remove();
}

void TemporaryFolder::let_go() noexcept {
    if (held_ >= 0) {
        ::close(std::exchange(held_, -1));
    }
}

} // namespace softhsm_fixtures
