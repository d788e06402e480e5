// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/options/suggestion.hpp>

#include <catch2/catch_test_macros.hpp>

using keyway::name_hint;
using keyway::nearest_name;

TEST_CASE("a mistyped name finds the one that was meant, and only a near one") {
    CHECK(nearest_name("lable", {"id", "label", "usage"}) == "label");
    CHECK(nearest_name("user-pim", {"user-pin", "usage"}) == "user-pin");
    // Who stops early means what begins so.
    CHECK(nearest_name("--js", {"--id", "--json", "--set"}) == "--json");
    CHECK(nearest_name("--user", {"--use", "--user-name", "--user-pin"}) == "--user-pin");
    CHECK(nearest_name("--j", {"--id", "--json"}) == std::nullopt);
    CHECK(nearest_name("serial", {"id", "label"}) == std::nullopt);
    CHECK(nearest_name(std::string(10'000, 'x'), {"label"}) == std::nullopt);
    CHECK(nearest_name("", {}) == std::nullopt);
}

TEST_CASE("the hint proposes or lists") {
    CHECK(name_hint("lable", {"id", "label"}) == "did you mean \"label\"?");
    CHECK(name_hint("colour", {"id", "label"}) == "known here: id, label");
    CHECK(name_hint("colour", {}) == "there are none here");
}
