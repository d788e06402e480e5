// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_store.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>

using namespace softhsm_fixtures;
namespace fs = std::filesystem;

namespace {

[[nodiscard]] std::vector<support::SeenToken> expected(const SoftHsmStore& store) {
    std::vector<support::SeenToken> tokens;
    for (const auto& token : store.tokens()) {
        tokens.push_back({token.label, token.serial});
    }
    std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.serial < b.serial; });
    return tokens;
}

} // namespace

TEST_CASE("a store starts without a token") {
    skip_without_softhsm();
    const SoftHsmStore store;
    CHECK(store.tokens().empty());
    const ScopedSoftHsmConf conf(store.config_path());
    CHECK(support::OpenModule(store.module_path()).tokens().empty());
}

TEST_CASE("two tokens of one store may share a label and nothing else") {
    skip_without_softhsm();
    SoftHsmStore store;
    const TokenDetails& first = store.add_token({.label = "twin"});
    const TokenDetails& second = store.add_token({.label = "twin"});
    store.add_token({.label = "other"});
    CHECK(first.label == second.label);
    CHECK(first.serial != second.serial);
    CHECK(first.user_pin != second.user_pin);
    CHECK(first.user_pin_file != second.user_pin_file);

    const ScopedSoftHsmConf conf(store.config_path());
    const support::OpenModule module(store.module_path());
    CHECK(module.tokens() == expected(store));
    for (const auto& token : store.tokens()) {
        CHECK(module.login(token.serial, CKU_USER, token.user_pin) == CKR_OK);
        CHECK(module.login(token.serial, CKU_SO, token.so_pin) == CKR_OK);
    }
    CHECK(module.login(first.serial, CKU_USER, second.user_pin) == CKR_PIN_INCORRECT);
}

TEST_CASE_METHOD(SoftHsmFixture, "a token is added beside the fixture's own") {
    token().store().add_token({.label = token().label()});
    const support::OpenModule module(token().module_path());
    const auto seen = module.tokens();
    CHECK(seen.size() == 2);
    CHECK(seen == expected(token().store()));
}

TEST_CASE("a token that cannot be added leaves the store as it was") {
    skip_without_softhsm();
    SoftHsmStore store;
    store.add_token({.label = "first"});
    const auto names = support::names_in(store.directory());
    const auto folders = support::names_in(store.directory() / "tokens");
    {
        // Leaves what a SoftHSM that failed half-way would leave.
        const auto helper = store.directory() / "helper";
        std::ofstream(helper) << "#!/bin/sh\nmkdir '" << (store.directory() / "tokens" / "half-made").string()
                              << "'\necho error on purpose\n";
        fs::permissions(helper, fs::perms::owner_all);
        const support::Variable init("SOFTHSM_FIXTURES_INIT", helper.string());
        CHECK_THROWS_AS(store.add_token({.label = "second"}), InitialisationFailed);
        fs::remove(helper);
    }
    CHECK(store.tokens().size() == 1);
    CHECK(support::names_in(store.directory()) == names);
    CHECK(support::names_in(store.directory() / "tokens") == folders);

    store.add_token({.label = "second"});
    const ScopedSoftHsmConf conf(store.config_path());
    CHECK(support::OpenModule(store.module_path()).tokens() == expected(store));
}
