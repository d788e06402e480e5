// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/find_softhsm.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <utility>

namespace softhsm_fixtures {

/// A fixture for TEST_F, to derive from: a token of its own for each test, with SOFTHSM2_CONF set.
///
/// The test is skipped, with the reason, where SoftHSM is not installed. When it fails, the folder is kept and
/// its path is printed. A class that overrides SetUp or TearDown calls these here first in SetUp and last in
/// TearDown.
///
///     class SignerTest : public softhsm_fixtures::SoftHsmTest {};
///     TEST_F(SignerTest, LogsIn) { EXPECT_TRUE(log_in(token().module_path(), token().user_pin())); }
///
/// @threadsafety as ScopedSoftHsmConf: one thread of a process at a time
class SoftHsmTest : public testing::Test {
protected:
    SoftHsmTest() = default;
    /// For a derived class that wants another token than the default one.
    explicit SoftHsmTest(TokenOptions options) : options_(std::move(options)) {}

    void SetUp() override {
        if (const auto reason = softhsm_absence_reason()) {
            GTEST_SKIP() << *reason;
        }
        token_.emplace(options_);
        conf_.emplace(token_->config_path());
    }

    void TearDown() override {
        if (token_ && HasFailure()) {
            token_->keep();
        }
    }

    /// @throws std::logic_error before SetUp, and in a test that was skipped
    [[nodiscard]] SoftHsmToken& token() {
        if (!token_) {
            throw std::logic_error("there is no token: SoftHsmTest::SetUp was not called, or the test is skipped");
        }
        return *token_;
    }

private:
    TokenOptions options_;
    std::optional<SoftHsmToken> token_;
    std::optional<ScopedSoftHsmConf> conf_; // ends before the token does
};

} // namespace softhsm_fixtures
