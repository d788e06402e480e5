// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/find_softhsm.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>

#include <fstream>

using namespace softhsm_fixtures;

TEST_CASE("the module is found without configuration") {
    const support::Variable unset("SOFTHSM2_MODULE", std::nullopt);
    skip_without_softhsm();
    const auto module = find_softhsm();
    REQUIRE(module);
    CHECK(std::filesystem::is_regular_file(*module));
    CHECK(module->filename() == "libsofthsm2.so");
    CHECK_FALSE(softhsm_absence_reason());
}

TEST_CASE("SOFTHSM2_MODULE goes before the usual places") {
    const TemporaryFolder folder("find");
    const auto module = folder.path() / "mine.so";
    std::ofstream(module) << "not looked into";
    const support::Variable wanted("SOFTHSM2_MODULE", module.string());
    CHECK(find_softhsm() == module);
    CHECK_FALSE(softhsm_absence_reason());
}

TEST_CASE("an empty SOFTHSM2_MODULE counts as unset") {
    std::optional<std::filesystem::path> found;
    {
        const support::Variable unset("SOFTHSM2_MODULE", std::nullopt);
        found = find_softhsm();
    }
    const support::Variable empty("SOFTHSM2_MODULE", "");
    CHECK(find_softhsm() == found);
}

TEST_CASE("a wrong SOFTHSM2_MODULE is an absence with a reason, not another module") {
    const support::Variable wrong("SOFTHSM2_MODULE", "/nonexistent/libsofthsm2.so");
    CHECK_FALSE(find_softhsm());
    CHECK(softhsm_absence_reason() ==
          "SOFTHSM2_MODULE names \"/nonexistent/libsofthsm2.so\", which is not a file");
    try {
        const SoftHsmToken token;
        FAIL("a token was made without a module");
    } catch (const SoftHsmNotFound& error) {
        CHECK(softhsm_absence_reason() == error.what());
    }
}
