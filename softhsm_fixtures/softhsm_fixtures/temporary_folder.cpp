// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/temporary_folder.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
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

[[nodiscard]] fs::path make_folder(const std::string& stem) {
    const char* wanted = std::getenv("TMPDIR");
    const fs::path parent = wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
    std::error_code error;
    std::string path = (fs::canonical(parent, error) / (stem + "-XXXXXX")).string();
    if (error) {
        refuse(parent, error);
    }
    if (::mkdtemp(path.data()) == nullptr) {
        refuse(parent, {errno, std::generic_category()});
    }
    return path;
}

[[nodiscard]] bool keep_is_set() noexcept {
    const char* value = std::getenv("SOFTHSM_FIXTURES_KEEP");
    return value != nullptr && *value != '\0';
}

} // namespace

TemporaryFolder::TemporaryFolder(const std::string& stem)
    : path_(make_folder(stem)), owner_(static_cast<long>(::getpid())) {}

TemporaryFolder::~TemporaryFolder() {
    clean_up();
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), owner_(other.owner_), keep_(other.keep_) {}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
    if (this != &other) {
        clean_up();
        path_ = std::exchange(other.path_, {});
        owner_ = other.owner_;
        keep_ = other.keep_;
    }
    return *this;
}

void TemporaryFolder::clean_up() noexcept {
    if (path_.empty() || owner_ != static_cast<long>(::getpid())) {
        return;
    }
    if (keep_ || keep_is_set()) {
        std::fprintf(stderr, "softhsm_fixtures: kept \"%s\"\n", path_.c_str());
        return;
    }
    std::error_code error;
    fs::remove_all(path_, error);
    if (error) {
        std::fprintf(stderr, "softhsm_fixtures: cannot remove \"%s\" (error %d)\n", path_.c_str(),
                     error.value());
    }
}

} // namespace softhsm_fixtures
