// SPDX-License-Identifier: BSD-2-Clause
// Processes that are killed while they make keys, and processes that work on one folder at once. The normal suite does
// it for seconds, the suite "long" for minutes ("[long]").
#include <keyway/backends/file/file_backend.hpp>

#include <backends/endurance/endurance.hpp>
#include <support/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace keyway;
using keyway::test::OpenedBackend;
using keyway::test::TemporaryFolder;

namespace {

test::EnduringStore store_in(const TemporaryFolder& folder) {
    // In clear: to encrypt takes all of the time, and has no part in what is shown here.
    return {.open = [&folder] { return OpenedBackend(file_backend(), {{"path", (folder.path() / "keys").string()}}, {}); },
            .of_new_keys = {{"unencrypted-insecure", "true"}}};
}

}  // namespace

TEST_CASE("a process killed while it makes keys leaves each whole or none of it") {
    const TemporaryFolder folder;
    test::kill_in_the_middle(store_in(folder), 30);
}

TEST_CASE("a process killed while it makes the folder leaves one that can be used") {
    for(int i = 0; i < 5; ++i) {
        const TemporaryFolder folder;
        test::kill_while_opening(store_in(folder));
    }
}

TEST_CASE("two processes with 8 threads each lose no key and get no wrong one") {
    const TemporaryFolder folder;
    test::work_together(store_in(folder), std::chrono::seconds(3));
}

TEST_CASE("a thousand kills", "[.long]") {
    const TemporaryFolder folder;
    test::kill_in_the_middle(store_in(folder), 1000);
}

TEST_CASE("a minute of two processes", "[.long]") {
    const TemporaryFolder folder;
    test::work_together(store_in(folder), std::chrono::seconds(60));
}
