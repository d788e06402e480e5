// SPDX-License-Identifier: BSD-2-Clause
#include "objects.hpp"
#include "prepared.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <set>

using namespace softhsm_fixtures;
using support::LoggedIn;
using support::OwnCache;
namespace fs = std::filesystem;

namespace {

const std::string some_keys =
    R"([{"type": "ec", "curve": "P-256", "label": "signer", "id": "01", "usage": ["sign"]},
                                  {"type": "rsa", "label": "other", "id": "02", "origin": "generated",
                                   "certificate": {}}])";

[[nodiscard]] std::vector<std::string> objects_of(const SoftHsmToken& token) {
    const ScopedSoftHsmConf conf(token.config_path());
    return LoggedIn(token).objects();
}

/// The value of the one public key with the label, which tells two keys apart.
[[nodiscard]] support::Bytes public_key_of(const SoftHsmToken& token) {
    const ScopedSoftHsmConf conf(token.config_path());
    const LoggedIn session(token);
    return session.attribute(session.find(CKO_PUBLIC_KEY, "signer"), CKA_EC_POINT);
}

void check_logins(const SoftHsmStore& store) {
    const ScopedSoftHsmConf conf(store.config_path());
    const support::OpenModule module(store.module_path());
    std::vector<support::SeenToken> expected;
    for (const auto& token : store.tokens()) {
        CHECK(module.login(token.serial, CKU_USER, token.user_pin) == CKR_OK);
        CHECK(module.login(token.serial, CKU_SO, token.so_pin) == CKR_OK);
        CHECK(support::content_of(token.user_pin_file) == token.user_pin);
        CHECK(support::content_of(token.so_pin_file) == token.so_pin);
        expected.push_back({token.label, token.serial});
    }
    std::sort(expected.begin(), expected.end(),
              [](const auto& a, const auto& b) { return a.serial < b.serial; });
    CHECK(module.tokens() == expected);
}

/// Lets the helper that initialises tokens fail, to tell a copy from a token that is made.
[[nodiscard]] support::Variable without_helper() { return {"SOFTHSM_FIXTURES_INIT", "/nonexistent"}; }

} // namespace

TEST_CASE_METHOD(OwnCache, "a token with content is made once and copied then") {
    const auto content = TokenContent::parse(some_keys);
    const SoftHsmToken first({.content = content});
    CHECK(entries().size() == 1);
    CHECK(support::mode_of(path()) == 0700U);
    CHECK(support::mode_of(entries().front()) == 0600U);

    const auto broken = without_helper();
    const SoftHsmToken second({.label = "mine", .content = content});
    CHECK(second.label() == "mine");
    CHECK(second.serial() != first.serial());
    CHECK(second.user_pin() == first.user_pin());
    CHECK(second.so_pin() == first.so_pin());
    CHECK(public_key_of(second) == public_key_of(first));
    CHECK(objects_of(second) ==
          std::vector<std::string>{
              "certificate \"other\" 02: modifiable",
              "private ec \"signer\" 01: private modifiable sensitive sign",
              "private rsa \"other\" 02: private modifiable sensitive local never-extractable "
              "sign decrypt unwrap",
              "public ec \"signer\" 01: modifiable verify",
              "public rsa \"other\" 02: modifiable local verify encrypt wrap"});
    const ScopedSoftHsmConf conf(second.config_path());
    const LoggedIn session(second);
    CHECK(session.sign_and_verify("signer") == CKR_OK);
    CHECK(session.sign_and_verify("other") == CKR_OK);
}

TEST_CASE_METHOD(OwnCache, "a copy is like a token that was made, but for what is random") {
    const SoftHsmToken made({.prepared = false});
    const SoftHsmToken copy({.prepared = true});
    CHECK(support::names_in(copy.directory()) == support::names_in(made.directory()));
    const auto folder_of = [](const SoftHsmToken& token) {
        return token.directory() / "tokens" / support::names_in(token.directory() / "tokens").at(0);
    };
    CHECK(support::names_in(folder_of(copy)) == support::names_in(folder_of(made)));
    CHECK(support::mode_of(folder_of(copy)) == 0700U);
    CHECK(support::mode_of(folder_of(copy) / "token.object") == 0600U);
    // SoftHSM takes the serial from the end of the folder's name.
    const auto name = folder_of(copy).filename().string();
    CHECK(name.substr(19, 4) + name.substr(24) == copy.serial());
    CHECK(copy.user_pin().size() == 8);
    CHECK(copy.so_pin().size() == 12);
    check_logins(SoftHsmToken({.prepared = true}).store());
}

TEST_CASE_METHOD(OwnCache, "several copies live in one store, also with one label") {
    SoftHsmStore store;
    const auto content = TokenContent::parse(some_keys);
    store.add_token({.label = "twin", .content = content});
    store.add_token({.label = "twin", .content = content});
    store.add_token({.label = "empty", .prepared = true});
    store.add_token({.label = "Schl\xc3\xbcssel of thirty-two bytes..", .prepared = true});
    store.add_token({.label = "made", .prepared = false});
    check_logins(store);
    std::set<std::string> serials;
    for (const auto& token : store.tokens()) {
        serials.insert(token.serial);
    }
    CHECK(serials.size() == 5);
}

TEST_CASE_METHOD(OwnCache, "what a test does to its copy, no other test sees") {
    const auto content = TokenContent::parse(some_keys);
    const SoftHsmToken changed({.content = content});
    const auto before = objects_of(changed);
    const SoftHsmToken beside({.content = content});
    {
        const ScopedSoftHsmConf conf(changed.config_path());
        const LoggedIn session(changed);
        auto& p11 = session.functions();
        std::string label = "renamed";
        CK_ATTRIBUTE attribute{CKA_LABEL, label.data(), label.size()};
        CHECK(p11.C_SetAttributeValue(session.session(), session.find(CKO_PRIVATE_KEY, "signer"), &attribute,
                                      1) == CKR_OK);
        CHECK(p11.C_DestroyObject(session.session(), session.find(CKO_PUBLIC_KEY, "signer")) == CKR_OK);
        CHECK(p11.C_DestroyObject(session.session(), session.find(CKO_CERTIFICATE, "other")) == CKR_OK);
    }
    CHECK(objects_of(changed).size() == 3);
    const SoftHsmToken after({.content = content});
    CHECK(objects_of(beside) == before);
    CHECK(objects_of(after) == before);
}

TEST_CASE_METHOD(OwnCache, "a copy has PINs of its own when they are asked for") {
    const auto content = TokenContent::parse(some_keys);
    const SoftHsmToken first({.content = content});
    const SoftHsmToken second({.user_pin_length = 8, .content = content, .fresh_pins = true});
    CHECK(second.user_pin() != first.user_pin());
    CHECK(second.so_pin() != first.so_pin());
    CHECK(second.user_pin().size() == 8);
    CHECK(second.so_pin().size() == 12);
    CHECK(support::names_in(second.directory()) ==
          std::vector<std::string>{"softhsm2.conf", "token-1.so-pin", "token-1.user-pin", "tokens"});
    const ScopedSoftHsmConf conf(second.config_path());
    {
        const support::OpenModule module(second.module_path());
        CHECK(module.login(second.serial(), CKU_USER, first.user_pin()) == CKR_PIN_INCORRECT);
        CHECK(module.login(second.serial(), CKU_SO, first.so_pin()) == CKR_PIN_INCORRECT);
        CHECK(module.login(second.serial(), CKU_SO, second.so_pin()) == CKR_OK);
    }
    CHECK(LoggedIn(second).sign_and_verify("signer") == CKR_OK);
}

TEST_CASE_METHOD(OwnCache, "each recipe has an entry of its own") {
    const TemporaryFolder folder("module");
    const auto module = folder.path() / "libsofthsm2.so";
    fs::copy_file(*find_softhsm(), module);
    const auto make = [&](const TokenOptions& options, const StoreOptions& store = {}) {
        const SoftHsmToken token(options, store);
        CHECK(token.user_pin().size() == options.user_pin_length);
        return entries().size();
    };
    CHECK(make({.prepared = true}) == 1);
    CHECK(make({.label = "other", .prepared = true}) == 1);
    CHECK(make({.content = TokenContent(), .prepared = true}) == 1);
    CHECK(make({.user_pin_length = 9, .prepared = true}) == 2);
    CHECK(make({.so_pin_length = 9, .prepared = true}) == 3);
    CHECK(make({.content = TokenContent::parse(R"([{"type": "aes"}])")}) == 4);
    CHECK(make({.content = TokenContent::parse(R"([{"type": "aes", "label": "x"}])")}) == 5);
    CHECK(make({.prepared = true}, {.module = module}) == 6);
    fs::last_write_time(module, fs::last_write_time(module) - std::chrono::seconds(1));
    CHECK(make({.prepared = true}, {.module = module}) == 7);
    CHECK(make({.prepared = false}) == 7);
    CHECK(make({.content = TokenContent::parse(R"([{"type": "des3"}])"), .prepared = false}) == 7);
    CHECK(make({}) == 7);
}

TEST_CASE_METHOD(OwnCache, "what cannot be made is not kept") {
    const auto content =
        TokenContent::parse(R"([{"type": "certificate", "pem": "-----BEGIN NOTHING-----"}])");
    CHECK_THROWS_AS(SoftHsmToken({.content = content}), FillFailed);
    CHECK(entries().empty());
    {
        const auto broken = without_helper();
        CHECK_THROWS_AS(SoftHsmToken({.prepared = true}), InitialisationFailed);
    }
    CHECK(entries().empty());
    CHECK_NOTHROW(SoftHsmToken({.prepared = true}));
    CHECK(entries().size() == 1);
}

TEST_CASE_METHOD(OwnCache, "a large token is made in memory, unless TMPDIR says where") {
    const auto content = TokenContent::parse(R"([{"type": "data", "text": "x", "count": 200}])");
    const auto parent_of = [&](const std::optional<std::string>& tmpdir) {
        const support::Variable variable("TMPDIR", tmpdir);
        return SoftHsmToken({.content = content}).directory().parent_path();
    };
    const auto parent = parent_of(std::nullopt);
    CHECK((parent == "/dev/shm" || parent == fs::canonical("/tmp")));
    CHECK((parent == "/dev/shm") == (support::run("df -t tmpfs /dev/shm").status == 0));
    CHECK(parent_of(fs::canonical("/tmp").string()) == fs::canonical("/tmp"));
    const support::Variable variable("TMPDIR", std::nullopt);
    const TemporaryFolder other("other");
    CHECK(SoftHsmToken({.content = content}, {.parent = other.path()}).directory().parent_path() ==
          other.path());
    CHECK(SoftHsmToken({.prepared = true}).directory().parent_path() == fs::canonical("/tmp"));
}
