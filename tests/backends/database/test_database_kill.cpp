// SPDX-License-Identifier: BSD-2-Clause
// Processes that are killed while they make keys, and processes that work on one database at once. The normal suite does
// it for seconds, the suite "long" for minutes ("[long]").
#include <backends/database/database_place.hpp>
#include <backends/endurance/endurance.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::OpenedBackend;

namespace {

test::EnduringStore store_at(const DatabasePlace& place) {
    return {.open = [&place] {
        auto settings = place.settings();
        settings["timeout"] = "120";
        return OpenedBackend(database_backend(), settings, {{"PASS", "correct horse"}});
    }};
}

}  // namespace

TEST_CASE("a process killed while it makes keys leaves each whole or none of it") {
    const DatabasePlace place;
    test::kill_in_the_middle(store_at(place), 30);
}

TEST_CASE("a process killed while it makes the database leaves one that can be opened") {
    for(int i = 0; i < 5; ++i) {
        const DatabasePlace place;
        test::kill_while_opening(store_at(place));
    }
}

TEST_CASE("two processes with 8 threads each lose no key and get no wrong one") {
    const DatabasePlace place;
    test::work_together(store_at(place), std::chrono::seconds(3));
}

TEST_CASE("a thousand kills", "[.long]") {
    const DatabasePlace place;
    test::kill_in_the_middle(store_at(place), 1000);
}

TEST_CASE("a minute of two processes", "[.long]") {
    const DatabasePlace place;
    test::work_together(store_at(place), std::chrono::seconds(60));
}
