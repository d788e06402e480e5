// SPDX-License-Identifier: BSD-2-Clause
#include "outcomes_support.hpp"

#include <softhsm_fixtures/catch2.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace softhsm_fixtures;

namespace {

class Outcomes : public support::Outcomes {
public:
    Outcomes() : support::Outcomes(OUTCOMES) {}
    [[nodiscard]] support::Finished run(const std::string& test_case) const {
        return support::Outcomes::run("'" + test_case + "'");
    }
};

} // namespace

TEST_CASE_METHOD(Outcomes, "a test case that passes leaves nothing") {
    skip_without_softhsm();
    const std::string test_case = GENERATE(as<std::string>(), "passes", "a fixture as a variable passes");
    const auto finished = run(test_case);
    INFO(finished.output);
    CHECK(finished.status == 0);
    CHECK(kept().empty());
}

TEST_CASE_METHOD(Outcomes, "a test case that fails keeps its folder and says where") {
    skip_without_softhsm();
    const std::string test_case =
        GENERATE(as<std::string>(), "fails a check and goes on", "fails a requirement", "throws",
                 "fails in the first of two sections");
    const auto finished = run(test_case);
    INFO(finished.output);
    CHECK(finished.status != 0);
    const auto lines = kept();
    REQUIRE(lines.size() == 1);
    CHECK(finished.output.find(lines[0]) != std::string::npos);
}

TEST_CASE_METHOD(Outcomes, "a test case that skips leaves nothing") {
    skip_without_softhsm();
    const auto finished = run("skips");
    INFO(finished.output);
    CHECK(finished.output.find("on purpose") != std::string::npos);
    CHECK(kept().empty());
}

TEST_CASE_METHOD(Outcomes, "without SoftHSM every test case is skipped with the reason") {
    const support::Variable absent("SOFTHSM2_MODULE", "/nonexistent/libsofthsm2.so");
    const auto finished = run("passes");
    INFO(finished.output);
    CHECK(finished.status == 4); // Catch2: all tests were skipped
    CHECK(finished.output.find(*softhsm_absence_reason()) != std::string::npos);
    CHECK(kept().empty());
}
