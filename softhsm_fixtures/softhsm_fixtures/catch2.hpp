// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/find_softhsm.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <cstdint>
#include <exception>

namespace softhsm_fixtures {

namespace internal {

/// How the test case that runs now has fared so far. Catch2 runs one at a time, and tells only listeners.
struct TestOutcome {
    bool failed = false;
    bool skipped = false;
};
inline TestOutcome current_outcome;

class TestOutcomeListener : public Catch::EventListenerBase {
public:
    using Catch::EventListenerBase::EventListenerBase;

    void testCasePartialStarting(const Catch::TestCaseInfo& /*info*/, std::uint64_t /*part*/) override {
        current_outcome = {};
    }
    void assertionEnded(const Catch::AssertionStats& stats) override {
        if (stats.assertionResult.getResultType() == Catch::ResultWas::ExplicitSkip) {
            current_outcome.skipped = true;
        } else if (!stats.assertionResult.isOk()) {
            current_outcome.failed = true;
        }
    }
};

// One listener per source file that includes this header; they agree, so more than one does no harm.
CATCH_REGISTER_LISTENER(TestOutcomeListener)

} // namespace internal

/// Skips the running test case, with the reason, where SoftHSM is not installed.
inline void skip_without_softhsm() {
    if (const auto reason = softhsm_absence_reason()) {
#if defined(CATCH_CONFIG_PREFIX_ALL)
        CATCH_SKIP(*reason);
#else
        SKIP(*reason);
#endif
    }
}

/// A fixture for TEST_CASE_METHOD, or a variable in a TEST_CASE: a token of its own, with SOFTHSM2_CONF set.
///
/// The test case is skipped where SoftHSM is not installed. When it fails, the folder is kept and its path is
/// printed.
///
/// @threadsafety as ScopedSoftHsmConf: one thread of a process at a time
class SoftHsmFixture {
public:
    SoftHsmFixture() : SoftHsmFixture(TokenOptions{}) {}
    explicit SoftHsmFixture(const TokenOptions& options)
        : token_((skip_without_softhsm(), options)), conf_(token_.config_path()) {}
    ~SoftHsmFixture() {
        // A thrown exception is reported after this, so it is not an outcome yet; SKIP throws too.
        const bool thrown = std::uncaught_exceptions() > exceptions_before_;
        if (internal::current_outcome.failed || (thrown && !internal::current_outcome.skipped)) {
            token_.keep();
        }
    }
    SoftHsmFixture(const SoftHsmFixture&) = delete;
    SoftHsmFixture& operator=(const SoftHsmFixture&) = delete;

    [[nodiscard]] SoftHsmToken& token() noexcept { return token_; }

private:
    int exceptions_before_ = std::uncaught_exceptions();
    SoftHsmToken token_;
    ScopedSoftHsmConf conf_;
};

} // namespace softhsm_fixtures
