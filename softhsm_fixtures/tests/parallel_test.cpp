// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <thread>
#include <vector>

using namespace softhsm_fixtures;

namespace {

constexpr std::size_t many = 16;

/// Runs `work(index)` in as many threads at once; the error messages, empty where there was none.
template <typename Work>
[[nodiscard]] std::array<std::string, many> in_threads(const Work& work) {
    std::array<std::string, many> errors;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < many; ++i) {
        threads.emplace_back([&, i] {
            try {
                work(i);
            } catch (const std::exception& error) {
                errors[i] = error.what();
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    return errors;
}

const std::array<std::string, many> no_errors;

} // namespace

TEST_CASE("tokens are made in many threads at once") {
    skip_without_softhsm();
    const support::Variable conf("SOFTHSM2_CONF", std::nullopt);
    std::array<std::optional<SoftHsmToken>, many> tokens;
    CHECK(in_threads([&](std::size_t i) { tokens[i].emplace(); }) == no_errors);

    std::set<std::string> serials;
    std::set<std::string> pins;
    for (const auto& token : tokens) {
        REQUIRE(token);
        serials.insert(token->serial());
        pins.insert(token->user_pin());
        const ScopedSoftHsmConf scope(token->config_path());
        const support::OpenModule module(token->module_path());
        CHECK(module.tokens() == std::vector<support::SeenToken>{{token->label(), token->serial()}});
        CHECK(module.login(token->serial(), CKU_USER, token->user_pin()) == CKR_OK);
    }
    CHECK(serials.size() == many);
    CHECK(pins.size() == many);

    CHECK(in_threads([&](std::size_t i) { tokens[i].reset(); }) == no_errors);
}

TEST_CASE("tokens are made and used in many processes at once") {
    skip_without_softhsm();
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    const TemporaryFolder outer("processes");
    const support::Variable tmpdir("TMPDIR", outer.path().string());
    std::array<support::Finished, many> finished;
    CHECK(in_threads([&](std::size_t i) { finished[i] = support::run("'" TOKEN_WORKER "'"); }) == no_errors);

    std::set<std::string> serials;
    for (const auto& one : finished) {
        INFO(one.output);
        CHECK(one.status == 0);
        serials.insert(one.output);
    }
    CHECK(serials.size() == many);
    CHECK(support::names_in(outer.path()).empty());
}

TEST_CASE_METHOD(SoftHsmFixture, "making a token does not disturb a module that is open") {
    const support::OpenModule module(token().module_path());
    const SoftHsmToken other;
    CHECK(module.tokens() == std::vector<support::SeenToken>{{token().label(), token().serial()}});
    CHECK(module.store_and_find(token().serial(), token().user_pin()) == 1);
}
