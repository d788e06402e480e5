// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace softhsm_fixtures {

/// A fixture for TEST_F, to derive from: a token that can do what a test needs, whatever module it is of, with
/// its environment set.
///
/// The test is skipped, with a line for each module that was tried, where no usable one can. When it fails, the
/// folder is kept and its path is printed. A class that overrides SetUp or TearDown calls these here first in
/// SetUp and last in TearDown.
///
///     class EdwardsTest : public softhsm_fixtures::TestTokenTest {
///     protected:
///         EdwardsTest() : TestTokenTest({"sign-ed25519"}) {}
///     };
///
/// @threadsafety as ScopedTokenEnvironment: one thread of a process at a time
class TestTokenTest : public testing::Test {
protected:
    explicit TestTokenTest(std::vector<std::string> capabilities, TokenOptions options = {})
        : capabilities_(std::move(capabilities)), options_(std::move(options)) {}
    /// A token of that module, for a test that runs over several.
    explicit TestTokenTest(const ModuleInfo& module, TokenOptions options = {})
        : module_(&module), options_(std::move(options)) {}

    void SetUp() override {
        const ModuleInfo* module = module_;
        if (module == nullptr) {
            const Choice choice = choose_module(capabilities_);
            if (choice.module == nullptr) {
                GTEST_SKIP() << choice.reason;
            }
            module = choice.module;
        } else if (const auto reason = module->absence_reason()) {
            GTEST_SKIP() << module->name() << ": " << *reason;
        }
        token_ = make_test_token(*module, options_);
        environment_.emplace(*token_);
    }

    void TearDown() override {
        if (token_ && HasFailure()) {
            token_->keep();
        }
    }

    /// @throws std::logic_error before SetUp, and in a test that was skipped
    [[nodiscard]] TestToken& token() {
        if (!token_) {
            throw std::logic_error("there is no token: TestTokenTest::SetUp was not called, or the test is skipped");
        }
        return *token_;
    }

private:
    const ModuleInfo* module_ = nullptr;
    std::vector<std::string> capabilities_;
    TokenOptions options_;
    std::unique_ptr<TestToken> token_;
    std::optional<ScopedTokenEnvironment> environment_; // ends before the token does
};

} // namespace softhsm_fixtures
