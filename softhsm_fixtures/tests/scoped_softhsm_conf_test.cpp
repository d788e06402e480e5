// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>

using namespace softhsm_fixtures;

namespace {

/// Two configuration files to switch between; SoftHSM is not needed for that.
class Configurations {
public:
    Configurations() {
        std::ofstream(first()) << '\n';
        std::ofstream(second()) << '\n';
    }
    [[nodiscard]] std::string first() const { return (folder_.path() / "first.conf").string(); }
    [[nodiscard]] std::string second() const { return (folder_.path() / "second.conf").string(); }
    [[nodiscard]] std::string missing() const { return (folder_.path() / "missing.conf").string(); }

private:
    TemporaryFolder folder_{"conf"};
};

[[nodiscard]] std::optional<std::string> current() {
    return support::variable("SOFTHSM2_CONF");
}

} // namespace

TEST_CASE_METHOD(Configurations, "a scope sets SOFTHSM2_CONF and gives back what was there") {
    const std::optional<std::string> before = GENERATE(
        std::optional<std::string>(), std::optional<std::string>("/x"), std::optional<std::string>(""));
    const support::Variable outer("SOFTHSM2_CONF", before);
    {
        const ScopedSoftHsmConf scope(first());
        CHECK(current() == first());
    }
    CHECK(current() == before);
}

TEST_CASE_METHOD(Configurations, "the later of two scopes decides, and the earlier comes back") {
    const support::Variable outer("SOFTHSM2_CONF", std::nullopt);
    {
        const ScopedSoftHsmConf earlier(first());
        {
            const ScopedSoftHsmConf later(second());
            CHECK(current() == second());
        }
        CHECK(current() == first());
    }
    CHECK_FALSE(current());
}

TEST_CASE_METHOD(Configurations, "scopes may end out of order") {
    const support::Variable outer("SOFTHSM2_CONF", "/x");
    auto earlier = std::make_unique<ScopedSoftHsmConf>(first());
    auto later = std::make_unique<ScopedSoftHsmConf>(second());
    earlier.reset();
    CHECK(current() == second());
    later.reset();
    CHECK(current() == "/x");
}

TEST_CASE_METHOD(Configurations, "a scope gives back what was there even when others changed the variable") {
    const support::Variable outer("SOFTHSM2_CONF", "/x");
    {
        const ScopedSoftHsmConf scope(first());
        ::setenv("SOFTHSM2_CONF", "/somebody/else", 1);
    }
    CHECK(current() == "/x");
}

TEST_CASE_METHOD(Configurations, "another thread is refused while a scope lives, and served afterwards") {
    const support::Variable outer("SOFTHSM2_CONF", std::nullopt);
    const auto in_another_thread = [&] {
        std::string message;
        std::thread([&] {
            try {
                const ScopedSoftHsmConf scope(second());
            } catch (const ConfigurationInUse& error) {
                message = error.what();
            }
        }).join();
        return message;
    };
    {
        const ScopedSoftHsmConf scope(first());
        CHECK(in_another_thread() == "SOFTHSM2_CONF is held for \"" + first() +
                                         "\" by another thread; use one process per configuration");
        CHECK(current() == first());
    }
    CHECK(in_another_thread().empty());
    CHECK_FALSE(current());
}

TEST_CASE_METHOD(Configurations, "a configuration that is not there is refused and changes nothing") {
    const support::Variable outer("SOFTHSM2_CONF", "/x");
    CHECK_THROWS_AS(ScopedSoftHsmConf(missing()), FixtureError);
    CHECK(current() == "/x");
}

TEST_CASE_METHOD(Configurations, "a relative path is made absolute") {
    const support::Variable outer("SOFTHSM2_CONF", std::nullopt);
    const ScopedSoftHsmConf scope(std::filesystem::relative(first()));
    REQUIRE(current());
    CHECK(std::filesystem::path(*current()).is_absolute());
    CHECK(std::filesystem::equivalent(*current(), first()));
}
