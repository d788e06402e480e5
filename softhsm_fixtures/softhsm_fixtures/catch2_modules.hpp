// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace softhsm_fixtures {

/// The module that the running test case gets; the test case is skipped, with a line for each module that was
/// tried, where no usable one has the capabilities.
///
/// @throws InvalidOption when there is no capability of one of the names
[[nodiscard]] inline const ModuleInfo& require_capabilities(const std::vector<std::string>& capabilities) {
    const Choice choice = choose_module(capabilities);
    if (choice.module == nullptr) {
#if defined(CATCH_CONFIG_PREFIX_ALL)
        CATCH_SKIP(choice.reason);
#else
        SKIP(choice.reason);
#endif
    }
    return *choice.module;
}

/// Skips the running test case, with the reason, where the module is not usable.
inline const ModuleInfo& require_usable(const ModuleInfo& module) {
    if (const auto reason = module.absence_reason()) {
#if defined(CATCH_CONFIG_PREFIX_ALL)
        CATCH_SKIP(module.name() + ": " + *reason);
#else
        SKIP(module.name() + ": " + *reason);
#endif
    }
    return module;
}

/// A token that can do what a test case needs, whatever module it is of, with its environment set.
///
/// The test case is skipped, with the reason, where no usable module can. When it fails, the folder is kept
/// and its path is printed.
///
/// @threadsafety as ScopedTokenEnvironment: one thread of a process at a time
class TestTokenFixture {
public:
    explicit TestTokenFixture(const std::vector<std::string>& capabilities, const TokenOptions& options = {})
        : TestTokenFixture(require_capabilities(capabilities), options) {}
    /// A token of that module, for a test case that runs over several.
    explicit TestTokenFixture(const ModuleInfo& module, const TokenOptions& options = {})
        : token_(make_test_token(require_usable(module), options)), environment_(*token_) {}
    ~TestTokenFixture() {
        // A thrown exception is reported after this, so it is not an outcome yet; SKIP throws too.
        const bool thrown = std::uncaught_exceptions() > exceptions_before_;
        if (internal::current_outcome.failed || (thrown && !internal::current_outcome.skipped)) {
            token_->keep();
        }
    }
    TestTokenFixture(const TestTokenFixture&) = delete;
    TestTokenFixture& operator=(const TestTokenFixture&) = delete;

    [[nodiscard]] TestToken& token() noexcept { return *token_; }

private:
    int exceptions_before_ = std::uncaught_exceptions();
    std::unique_ptr<TestToken> token_;
    ScopedTokenEnvironment environment_;
};

} // namespace softhsm_fixtures
