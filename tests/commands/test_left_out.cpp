// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace keyway::test;

const std::string how = "install libdatabase-dev, and build with: meson setup -Ddatabase=enabled";

/// With the command of a build that has keys in files only; its settings have a database all the same.
struct LeanWorkshop {
    Workshop shop;
    LeanWorkshop() { shop.command = KEYWAY_LEAN_COMMAND; }
};

TEST_CASE_METHOD(LeanWorkshop, "a backend type that the build is without stays listed, with how to get it") {
    std::vector<std::vector<Json>> told;
    const auto listing = shop.succeed_json({"backend", "list"});
    for(const auto& type : listing.at("types")) {
        told.push_back({type.at("type"), type.at("in-build"), type.at("how")});
    }
    CHECK(told == std::vector<std::vector<Json>>{
                      {"file", true, Json()},
                      {"hsm", false, "install libhsm-dev, and build with: meson setup -Dhsm=enabled"},
                      {"database", false, how}});
    CHECK(listing.at("types").at(0).at("left-out") ==
          Json::array({{{"name", "tape"}, {"title", "files on tapes"}, {"how", "build with -Dtape=enabled"}}}));
    const auto text = shop.succeed({"backend", "list"});
    CHECK(text.find("\nthis build has file without files on tapes\n  build with -Dtape=enabled\n") != std::string::npos);
    CHECK(text.find("\ndatabase  (not in this build) keys in a database") != std::string::npos);
    CHECK(text.find("\nthis build has no database\n  " + how + "\n") != std::string::npos);
}

TEST_CASE_METHOD(LeanWorkshop, "who uses a backend of a left out type is told how to get it, and the others work") {
    const auto told = "this build of Keyway has no backends of type \"database\"\n" + how;
    CHECK(shop.fail({"backend", "show", "database"}, 26, "unsupported") == told);
    CHECK(shop.fail({"key", "list", "--backend", "db"}, 26, "unsupported") == told);
    CHECK(shop.fail({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"}, 26, "unsupported") == told);
    CHECK(shop.fail({"key", "check", "db:a"}, 26, "unsupported") == told);
    // Its own flags are unknown to this build.
    const auto flag = shop.fail({"key", "list", "--backend", "db", "--db-passphrase", "env:X"}, 2, "usage");
    CHECK(flag.ends_with("; the backend \"db\" is of type \"database\", which this build of Keyway is without: " + how));
    shop.make_key("a");
    CHECK(shop.succeed({"key", "check", "file:a"}) == "ok\n");
}

TEST_CASE_METHOD(LeanWorkshop, "config check and config explain tell of a left out type, and of the other backends") {
    const auto checked = shop.keyway({"config", "check"});
    CHECK(checked.status == 26);
    CHECK(checked.out.find("\ndb     database  1 fault\nfile   file      ok\n") != std::string::npos);
    CHECK(checked.err == "keyway: error: this build of Keyway has no backends of type \"database\"\nkeyway: hint: " + how + "\n");
    const Json explained = shop.succeed_json({"config", "explain"}).at("backends");
    CHECK(explained.at(0).at("faults").at(0).at("code") == "unsupported");
    CHECK(explained.at(1).at("faults") == Json::array());
}

}  // namespace
