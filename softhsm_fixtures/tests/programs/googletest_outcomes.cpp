// SPDX-License-Identifier: BSD-2-Clause
//
// One GoogleTest test for each way in which a test can end.

#include <softhsm_fixtures/googletest.hpp>
#include <softhsm_fixtures/googletest_modules.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

namespace {

class Outcome : public softhsm_fixtures::SoftHsmTest {};

TEST_F(Outcome, Passes) {
    const char* conf = std::getenv("SOFTHSM2_CONF");
    ASSERT_NE(conf, nullptr);
    EXPECT_EQ(token().config_path(), conf);
}

TEST_F(Outcome, FailsAnExpectationAndGoesOn) {
    EXPECT_TRUE(token().label().empty());
}

TEST_F(Outcome, FailsAnAssertion) {
    ASSERT_TRUE(token().label().empty());
}

TEST_F(Outcome, Throws) {
    throw std::runtime_error("on purpose");
}

TEST_F(Outcome, Skips) {
    GTEST_SKIP() << "on purpose";
}

class Labelled : public softhsm_fixtures::SoftHsmTest {
protected:
    Labelled() : SoftHsmTest({.label = "labelled"}) {}
};

TEST_F(Labelled, Passes) {
    EXPECT_EQ(token().label(), "labelled");
}

class ForgetsSetUp : public softhsm_fixtures::SoftHsmTest {
protected:
    void SetUp() override {}
};

TEST_F(ForgetsSetUp, IsTold) {
    EXPECT_THROW(static_cast<void>(token()), std::logic_error);
}

class AnyModule : public softhsm_fixtures::TestTokenTest {
protected:
    AnyModule() : TestTokenTest({"sign-ecdsa"}) {}
};

TEST_F(AnyModule, Passes) {
    EXPECT_FALSE(token().details().user_pin.empty());
}

TEST_F(AnyModule, Fails) {
    EXPECT_TRUE(token().details().user_pin.empty());
}

class Impossible : public softhsm_fixtures::TestTokenTest {
protected:
    Impossible() : TestTokenTest({"protected-authentication-path"}) {}
};

TEST_F(Impossible, IsSkipped) {
    ADD_FAILURE() << "there is a token that can do this";
}

} // namespace
