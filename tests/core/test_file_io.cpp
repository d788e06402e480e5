// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/file_io.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace keyway;
using keyway::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

std::vector<std::uint8_t> bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

std::string content(const fs::path& path) {
    const auto read = read_file(path, 1024);
    return {read.begin(), read.end()};
}

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for(const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

unsigned mode_of(const fs::path& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_mode & 07777U;
}

}  // namespace

TEST_CASE("a new file is whole, has its mode, and no other file stays") {
    const TemporaryFolder folder;
    write_new_file(folder.path() / "key", bytes("secret"), FileAccess::owner_only);
    const auto old_mask = ::umask(027);
    write_new_file(folder.path() / "certificate", bytes("public"), FileAccess::everyone);
    ::umask(old_mask);
    CHECK(content(folder.path() / "key") == "secret");
    CHECK(mode_of(folder.path() / "key") == 0600U);
    CHECK(mode_of(folder.path() / "certificate") == 0640U);
    CHECK(names_in(folder.path()).size() == 2);
}

TEST_CASE("an existing file is never overwritten by a new one") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "key";
    write_new_file(path, bytes("first"), FileAccess::owner_only);
    CHECK_RAISES(write_new_file(path, bytes("second"), FileAccess::owner_only), Errc::already_exists);
    CHECK(content(path) == "first");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"key"});

    fs::create_symlink("nowhere", folder.path() / "link");
    CHECK_RAISES(write_new_file(folder.path() / "link", bytes("x"), FileAccess::owner_only), Errc::already_exists);
    CHECK_FALSE(fs::exists(folder.path() / "nowhere"));
}

TEST_CASE("of many writers of one new name exactly one wins") {
    const TemporaryFolder folder;
    std::vector<std::jthread> writers;
    std::atomic<int> written = 0;
    for(int i = 0; i < 8; ++i) {
        writers.emplace_back([&, i] {
            try {
                write_new_file(folder.path() / "key", bytes(std::to_string(i)), FileAccess::owner_only);
                ++written;
            } catch(const Error& error) {
                if(error.code() != Errc::already_exists) {
                    written = 100;
                }
            }
        });
    }
    writers.clear();
    CHECK(written == 1);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"key"});
}

TEST_CASE("a file is replaced whole") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "list";
    replace_file(path, bytes("first"), FileAccess::everyone);
    replace_file(path, bytes("second"), FileAccess::everyone);
    CHECK(content(path) == "second");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"list"});
}

TEST_CASE("reading and writing where it cannot be done names the path") {
    const TemporaryFolder folder;
    CHECK_RAISES(read_file(folder.path() / "missing", 10), Errc::storage_failed);
    CHECK_RAISES(read_file(folder.path(), 10), Errc::storage_failed);
    CHECK_RAISES(write_new_file(folder.path() / "no" / "key", bytes("x"), FileAccess::owner_only),
                 Errc::storage_failed);
    CHECK_RAISES(remove_file(folder.path() / "missing"), Errc::storage_failed);

    write_new_file(folder.path() / "long", bytes("0123456789"), FileAccess::everyone);
    CHECK_RAISES(read_file(folder.path() / "long", 9), Errc::malformed_data);
    CHECK(content(folder.path() / "long") == "0123456789");
    remove_file(folder.path() / "long");
    CHECK(names_in(folder.path()).empty());
}

TEST_CASE("a write that fails halfway leaves nothing behind") {
    const TemporaryFolder folder;
    // The limit on the size of files makes write(2) fail as a full disk does.
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 4096;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::vector<std::uint8_t> large(10'000, 'x');
    const auto error = test::raised([&] {
        write_new_file(folder.path() / "key", large, FileAccess::owner_only);
        return 0;
    });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, old_handler);
    CHECK(error.code() == Errc::storage_failed);
    CHECK(names_in(folder.path()).empty());
}

TEST_CASE("a writer that is killed leaves nothing behind") {
    const TemporaryFolder folder;
    const int probe = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if(probe < 0) {
        SKIP("this file system has no files without a name");
    }
    ::close(probe);
    const std::vector<std::uint8_t> large(64UL * 1024UL * 1024UL, 'x');
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if(child == 0) {
        write_new_file(folder.path() / "key", large, FileAccess::owner_only);
        ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    const auto names = names_in(folder.path());
    CHECK((names.empty() || (names.size() == 1 && fs::file_size(folder.path() / "key") == large.size())));
}

TEST_CASE("a folder that may be written but not read takes a new file") {
    const TemporaryFolder folder;
    const bool is_root = ::geteuid() == 0;  // who may read whatever the mode says
    constexpr uid_t nobody = 65534;
    if(is_root) {
        REQUIRE(::chown(folder.path().c_str(), nobody, nobody) == 0);
        REQUIRE(::seteuid(nobody) == 0);
    }
    REQUIRE(::chmod(folder.path().c_str(), 0300) == 0);
    std::string failure;
    try {
        write_new_file(folder.path() / "key", bytes("secret"), FileAccess::owner_only);
    } catch(const Error& error) {
        failure = error.what();
    }
    CHECK(::chmod(folder.path().c_str(), 0700) == 0);
    if(is_root) {
        REQUIRE(::seteuid(0) == 0);
    }
    CHECK(failure.empty());
    CHECK(content(folder.path() / "key") == "secret");
    CHECK(names_in(folder.path()).size() == 1);
}
