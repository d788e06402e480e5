// SPDX-License-Identifier: BSD-2-Clause
//
// One test case for each way in which a test case can end.

#include <softhsm_fixtures/catch2.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <stdexcept>

using softhsm_fixtures::SoftHsmFixture;

TEST_CASE_METHOD(SoftHsmFixture, "passes") {
    const char* conf = std::getenv("SOFTHSM2_CONF");
    REQUIRE(conf != nullptr);
    CHECK(token().config_path() == conf);
}

TEST_CASE_METHOD(SoftHsmFixture, "fails a check and goes on") {
    CHECK(token().label().empty());
}

TEST_CASE_METHOD(SoftHsmFixture, "fails a requirement") {
    REQUIRE(token().label().empty());
}

TEST_CASE_METHOD(SoftHsmFixture, "throws") {
    throw std::runtime_error("on purpose");
}

TEST_CASE_METHOD(SoftHsmFixture, "skips") {
    SKIP("on purpose");
}

TEST_CASE_METHOD(SoftHsmFixture, "fails in the first of two sections") {
    SECTION("fails") {
        CHECK(token().label().empty());
    }
    SECTION("passes") {
        CHECK(token().label().starts_with("fixture-"));
    }
}

TEST_CASE("a fixture as a variable passes") {
    SoftHsmFixture fixture({.label = "variable"});
    CHECK(fixture.token().label() == "variable");
}
