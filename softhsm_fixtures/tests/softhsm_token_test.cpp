// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <fstream>
#include <type_traits>

using namespace softhsm_fixtures;
namespace fs = std::filesystem;

static_assert(std::is_nothrow_move_constructible_v<SoftHsmToken> &&
              std::is_nothrow_move_assignable_v<SoftHsmToken>);
static_assert(!std::is_copy_constructible_v<SoftHsmToken> && !std::is_copy_assignable_v<SoftHsmToken>);

namespace {

/// Makes a token with the label and reads the label back from the module.
[[nodiscard]] std::vector<support::SeenToken> seen_with_label(const std::string& label) {
    const SoftHsmToken token({.label = label});
    const ScopedSoftHsmConf conf(token.config_path());
    auto seen = support::OpenModule(token.module_path()).tokens();
    for (auto& one : seen) {
        CHECK(one.serial == token.serial());
        one.serial.clear();
    }
    return seen;
}

/// The message of the error that making a token with these options gives, in a TMPDIR that has to stay empty.
template <typename Expected>
[[nodiscard]] std::string refusal(const TokenOptions& token, const StoreOptions& store = {}) {
    const TemporaryFolder outer("refusal");
    const support::Variable tmpdir("TMPDIR", outer.path().string());
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    try {
        const SoftHsmToken made(token, store);
    } catch (const Expected& error) {
        CHECK(support::names_in(outer.path()).empty());
        return error.what();
    }
    FAIL("a token was made");
    return {};
}

} // namespace

TEST_CASE_METHOD(SoftHsmFixture, "the module sees the token, and both PINs open it") {
    const support::OpenModule module(token().module_path());
    CHECK(module.tokens() == std::vector<support::SeenToken>{{token().label(), token().serial()}});
    CHECK(module.login(token().serial(), CKU_USER, token().user_pin()) == CKR_OK);
    CHECK(module.login(token().serial(), CKU_SO, token().so_pin()) == CKR_OK);
    CHECK(module.login(token().serial(), CKU_USER, token().so_pin()) == CKR_PIN_INCORRECT);
    CHECK(module.store_and_find(token().serial(), token().user_pin()) == 1);
}

TEST_CASE_METHOD(SoftHsmFixture, "labels, serials and PINs are random") {
    const SoftHsmToken other;
    CHECK(other.label() != token().label());
    CHECK(other.serial() != token().serial());
    CHECK(other.user_pin() != token().user_pin());
    CHECK(other.so_pin() != token().so_pin());
    CHECK(token().user_pin() != token().so_pin());
    CHECK(token().user_pin().size() == 8);
    CHECK(token().so_pin().size() == 12);
    CHECK(token().serial().size() == 16);
    CHECK(token().user_pin().find_first_not_of("0123456789") == std::string::npos);
}

TEST_CASE_METHOD(SoftHsmFixture, "the folder holds what it should, for its owner only") {
    const auto folder = token().directory();
    CHECK(support::names_in(folder) ==
          std::vector<std::string>{"softhsm2.conf", "token-1.so-pin", "token-1.user-pin", "tokens"});
    CHECK(support::mode_of(folder) == 0700U);
    CHECK(support::mode_of(folder / "tokens") == 0700U);
    CHECK(support::mode_of(token().config_path()) == 0600U);
    CHECK(support::mode_of(token().user_pin_file()) == 0600U);
    CHECK(support::mode_of(token().so_pin_file()) == 0600U);
    CHECK(support::content_of(token().user_pin_file()) == token().user_pin());
    CHECK(support::content_of(token().so_pin_file()) == token().so_pin());
}

TEST_CASE("a token goes with its folder") {
    skip_without_softhsm();
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    fs::path folder;
    {
        const SoftHsmToken token;
        folder = token.directory();
        CHECK(fs::exists(token.config_path()));
    }
    CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("a token that was moved stays usable") {
    skip_without_softhsm();
    SoftHsmToken first({.label = "moved"});
    const std::string serial = first.serial();
    const SoftHsmToken second(std::move(first));
    CHECK(second.serial() == serial);
    CHECK(second.label() == "moved");
    CHECK(fs::exists(second.config_path()));
}

TEST_CASE("with SOFTHSM_FIXTURES_KEEP the folder stays and its path is printed") {
    skip_without_softhsm();
    const TemporaryFolder outer("keep");
    const auto finished =
        support::run("TMPDIR='" + outer.path().string() + "' SOFTHSM_FIXTURES_KEEP=1 '" TOKEN_WORKER "'");
    CHECK(finished.status == 0);
    const auto kept = support::names_in(outer.path());
    REQUIRE(kept.size() == 1);
    const auto announced = "softhsm-fixture: kept \"" + (outer.path() / kept[0]).string() + "\"\n";
    CHECK(finished.output.find(announced) != std::string::npos);
    CHECK(fs::exists(outer.path() / kept[0] / "softhsm2.conf"));
}

TEST_CASE("a label may have spaces, UTF-8, a leading dash and all of 32 bytes") {
    skip_without_softhsm();
    const std::string label = GENERATE(as<std::string>(), "two words", "Schlüssel 鍵", "-h", "--label",
                                       "a;b=c%d", "12345678901234567890123456789012");
    CHECK(seen_with_label(label) == std::vector<support::SeenToken>{{label, ""}});
}

TEST_CASE("a label that a token cannot hold is refused") {
    skip_without_softhsm();
    const std::string long_label(33, 'x');
    CHECK(refusal<InvalidOption>({.label = long_label}) ==
          "the token label \"" + long_label + "\" is longer than 32 bytes");
    CHECK(refusal<InvalidOption>({.label = "Schlüsselschlüsselschlüssel-1234"}) ==
          "the token label \"Schlüsselschlüsselschlüssel-1234\" is longer than 32 bytes");
    CHECK(refusal<InvalidOption>({.label = ""}) == "the token label \"\" is empty");
    CHECK(refusal<InvalidOption>({.label = "x "}) ==
          "the token label \"x \" ends in a space, which a token cannot tell from padding");
    CHECK(refusal<InvalidOption>({.label = std::string("a\0b", 3)}) == "the token label holds a zero byte");
}

TEST_CASE("PINs have the wanted length, within SoftHSM's range") {
    skip_without_softhsm();
    const SoftHsmToken token({.user_pin_length = 4, .so_pin_length = 255});
    CHECK(token.user_pin().size() == 4);
    CHECK(token.so_pin().size() == 255);
    const ScopedSoftHsmConf conf(token.config_path());
    {
        const support::OpenModule module(token.module_path());
        CHECK(module.login(token.serial(), CKU_USER, token.user_pin()) == CKR_OK);
        CHECK(module.login(token.serial(), CKU_SO, token.so_pin()) == CKR_OK);
    }
    CHECK(refusal<InvalidOption>({.user_pin_length = 3}) ==
          "a user PIN of 3 digits is out of the range of 4 to 255");
    CHECK(refusal<InvalidOption>({.so_pin_length = 256}) ==
          "a security officer PIN of 256 digits is out of the range of 4 to 255");
}

TEST_CASE("the URI of a token follows RFC 7512") {
    TokenDetails token;
    token.label = "My token; ünïcode/100%";
    token.serial = "0123456789abcdef";
    CHECK(token.uri() == "pkcs11:token=My%20token%3B%20%C3%BCn%C3%AFcode%2F100%25;serial=0123456789abcdef");
}

TEST_CASE("a module that is not there is refused before a folder is made") {
    CHECK(refusal<SoftHsmNotFound>({}, {.module = "/nonexistent/module.so"}) ==
          "the module \"/nonexistent/module.so\" is not a file");
}

TEST_CASE("a module that cannot be loaded leaves no folder") {
    const TemporaryFolder folder("module");
    const auto module = folder.path() / "broken.so";
    std::ofstream(module) << "not a library";
    const auto message = refusal<InitialisationFailed>({.label = "x"}, {.module = module});
    CHECK(message.starts_with("cannot initialise token \"x\": cannot load the module: " + module.string()));
}

TEST_CASE("a helper that is missing, fails or dies leaves no folder and is named") {
    skip_without_softhsm();
    const TemporaryFolder folder("helper");
    const auto helper = folder.path() / "helper";
    const support::Variable init("SOFTHSM_FIXTURES_INIT", helper.string());
    CHECK(refusal<InitialisationFailed>({.label = "x"}) ==
          "cannot start the helper \"" + helper.string() +
              "\": No such file or directory; set SOFTHSM_FIXTURES_INIT to its path");

    const auto with_script = [&](const std::string& script) {
        std::ofstream(helper) << "#!/bin/sh\n" << script << '\n';
        fs::permissions(helper, fs::perms::owner_all);
        return refusal<InitialisationFailed>({.label = "x"});
    };
    const std::string start = "cannot initialise token \"x\": ";
    CHECK(with_script("exit 3") == start + "the helper \"" + helper.string() + "\" exited with status 3");
    CHECK(with_script("kill -9 $$") ==
          start + "the helper \"" + helper.string() + "\" was killed by signal 9");
    CHECK(with_script("echo error C_InitToken returned 0x5") == start + "C_InitToken returned 0x5");
}

TEST_CASE("TMPDIR with a character that SoftHSM's configuration cannot hold is refused") {
    skip_without_softhsm();
    const TemporaryFolder outer("characters");
    const auto odd = outer.path() / "a#b";
    fs::create_directory(odd);
    const support::Variable tmpdir("TMPDIR", odd.string());
    CHECK_THROWS_AS(SoftHsmToken(), FixtureError);
    CHECK(support::names_in(odd).empty());
}

TEST_CASE("TMPDIR may have spaces") {
    skip_without_softhsm();
    const TemporaryFolder outer("characters");
    const auto spaced = outer.path() / "with some spaces";
    fs::create_directory(spaced);
    const support::Variable tmpdir("TMPDIR", spaced.string());
    CHECK(seen_with_label("spaced") == std::vector<support::SeenToken>{{"spaced", ""}});
}
