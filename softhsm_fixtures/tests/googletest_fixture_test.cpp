// SPDX-License-Identifier: BSD-2-Clause
#include "outcomes_support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/modules.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <sstream>

using namespace softhsm_fixtures;

namespace {

class GoogleTestOutcomes : public support::Outcomes {
public:
    GoogleTestOutcomes() : support::Outcomes(GOOGLETEST_OUTCOMES) {}
    [[nodiscard]] support::Finished run(const std::string& test) const {
        return support::Outcomes::run("--gtest_filter=" + test);
    }
};

} // namespace

TEST_CASE_METHOD(GoogleTestOutcomes, "a GoogleTest test that passes leaves nothing") {
    skip_without_softhsm();
    const std::string test =
        GENERATE(as<std::string>(), "Outcome.Passes", "Labelled.Passes", "AnyModule.Passes", "ForgetsSetUp.IsTold");
    const auto finished = run(test);
    INFO(finished.output);
    CHECK(finished.status == 0);
    CHECK(finished.output.find("[  PASSED  ] 1 test.") != std::string::npos);
    CHECK(kept().empty());
}

TEST_CASE_METHOD(GoogleTestOutcomes, "a GoogleTest test that fails keeps its folder and says where") {
    skip_without_softhsm();
    const std::string test = GENERATE(as<std::string>(),
                                      "Outcome.FailsAnExpectationAndGoesOn",
                                      "Outcome.FailsAnAssertion",
                                      "Outcome.Throws",
                                      "AnyModule.Fails");
    const auto finished = run(test);
    INFO(finished.output);
    CHECK(finished.status != 0);
    const auto lines = kept();
    REQUIRE(lines.size() == 1);
    CHECK(finished.output.find(lines[0]) != std::string::npos);
}

TEST_CASE_METHOD(GoogleTestOutcomes, "a GoogleTest test that skips leaves nothing") {
    skip_without_softhsm();
    const auto finished = run("Outcome.Skips");
    INFO(finished.output);
    CHECK(finished.status == 0);
    CHECK(finished.output.find("on purpose") != std::string::npos);
    CHECK(kept().empty());
}

TEST_CASE_METHOD(GoogleTestOutcomes, "a GoogleTest test that needs what no module can is skipped with the reasons") {
    const auto finished = run("Impossible.IsSkipped");
    INFO(finished.output);
    CHECK(finished.status == 0);
    // A line for each known module.
    std::istringstream reasons(choose_module({"protected-authentication-path"}).reason);
    for (std::string line; std::getline(reasons, line);) {
        CHECK(finished.output.find(line) != std::string::npos);
    }
    CHECK(kept().empty());
}

TEST_CASE_METHOD(GoogleTestOutcomes, "without SoftHSM every GoogleTest test is skipped with the reason") {
    const support::Variable absent("SOFTHSM2_MODULE", "/nonexistent/libsofthsm2.so");
    const auto finished = run("Outcome.Passes");
    INFO(finished.output);
    CHECK(finished.status == 0);
    CHECK(finished.output.find("[  SKIPPED ] 1 test") != std::string::npos);
    CHECK(finished.output.find(*softhsm_absence_reason()) != std::string::npos);
    CHECK(kept().empty());
}
