// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using softhsm_fixtures::FixtureError;
using softhsm_fixtures::TemporaryFolder;
namespace fs = std::filesystem;

TEST_CASE("a temporary folder is private and goes with all that is in it") {
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    fs::path path;
    {
        const TemporaryFolder folder("example");
        path = folder.path();
        CHECK(path.is_absolute());
        CHECK(path.filename().string().starts_with("example-"));
        CHECK(support::mode_of(path) == 0700U);
        fs::create_directory(path / "inner");
        std::ofstream(path / "inner" / "file") << "content";
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a temporary folder is under TMPDIR") {
    const TemporaryFolder outer("outer");
    const support::Variable tmpdir("TMPDIR", outer.path().string());
    const TemporaryFolder inner("inner");
    CHECK(inner.path().parent_path() == outer.path());
}

TEST_CASE("a TMPDIR that is not there is an error that names it") {
    const TemporaryFolder outer("outer");
    const std::string missing = (outer.path() / "missing").string();
    const support::Variable tmpdir("TMPDIR", missing);
    try {
        const TemporaryFolder folder("example");
        FAIL("a folder was made");
    } catch (const FixtureError& error) {
        CHECK(error.what() ==
              "cannot make a folder in \"" + missing +
                  "\": No such file or directory; set TMPDIR to a writable folder");
    }
}

TEST_CASE("a umask that leaves its owner nothing is an error, and nothing is left") {
    const TemporaryFolder outer("outer");
    const support::Variable tmpdir("TMPDIR", outer.path().string());
    for (const mode_t mask : {0777U, 0277U, 0400U, 0100U}) {
        const mode_t before = ::umask(mask);
        CHECK_THROWS_AS(TemporaryFolder("example"), FixtureError);
        ::umask(before);
        CHECK(support::names_in(outer.path()).empty());
    }
}

TEST_CASE("what a killed process was making into a token goes soon, other folders later") {
    const TemporaryFolder outer("outer");
    for (const char* name : {"softhsm-making-p999999999s1-abcdef", "softhsm-p999999999s1-abcdef"}) {
        fs::create_directory(outer.path() / name);
        fs::permissions(outer.path() / name, fs::perms::owner_all);
        fs::last_write_time(outer.path() / name, fs::file_time_type::clock::now() - std::chrono::minutes(5));
    }
    const support::Variable tmpdir("TMPDIR", outer.path().string());
    { const TemporaryFolder next("next"); }
    CHECK(support::names_in(outer.path()) == std::vector<std::string>{"softhsm-p999999999s1-abcdef"});
}

TEST_CASE("a folder that was moved from removes nothing") {
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    fs::path path;
    fs::path replaced;
    {
        TemporaryFolder last("last");
        replaced = last.path();
        {
            TemporaryFolder first("first");
            path = first.path();
            TemporaryFolder second(std::move(first));
            last = std::move(second);
            CHECK_FALSE(fs::exists(replaced));
        }
        CHECK(fs::exists(path));
        CHECK(last.path() == path);
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a forked child does not remove its parent's folder") {
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    const TemporaryFolder outer("outer");
    fs::path path;
    {
        const support::Variable tmpdir("TMPDIR", outer.path().string());
        auto folder = std::make_unique<TemporaryFolder>("parent");
        path = folder->path();
        const pid_t child = ::fork();
        if (child == 0) {
            folder.reset();
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(fs::exists(path));
    }
    CHECK(support::names_in(outer.path()).empty());
}
