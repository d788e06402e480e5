// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-fill by itself: with another module than SoftHSM, and with requests that it cannot serve.

#include "../support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <regex>

using namespace softhsm_fixtures;

namespace {

/// Runs the program on a SoftHSM token with these options instead of the right ones.
class FillProgram {
public:
    FillProgram() {
        options_["--module"] = token().module_path().string();
        options_["--serial"] = token().serial();
        options_["--user-pin-file"] = token().user_pin_file().string();
        options_["--content"] = write("[]");
    }
    [[nodiscard]] SoftHsmToken& token() { return fixture_.token(); }
    [[nodiscard]] std::string write(const std::string& text) {
        const auto path = token().directory() / "file";
        std::ofstream(path) << text;
        return path.string();
    }
    [[nodiscard]] support::Finished run_with(const std::map<std::string, std::string>& changes) const {
        auto options = options_;
        for (const auto& [name, value] : changes) {
            options[name] = value;
        }
        std::string command = "'" FILL_PROGRAM "'";
        for (const auto& [name, value] : options) {
            command += value.empty() ? "" : " " + name + " '" + value + "'";
        }
        return support::run(command);
    }

private:
    SoftHsmFixture fixture_;
    std::map<std::string, std::string> options_;
};

} // namespace

TEST_CASE_METHOD(FillProgram, "the program that fills says what is missing") {
    const auto says = [&](const std::map<std::string, std::string>& changes, const std::string& text) {
        const auto finished = run_with(changes);
        CHECK(finished.output == text);
        CHECK(finished.status == (text.starts_with("objects") ? 0 : 1));
    };
    says({}, "objects 0\n");
    says({{"--label", token().label()}}, "objects 0\n");
    says({{"--serial", ""}, {"--label", token().label()}}, "objects 0\n");
    says({{"--serial", "0000"}}, "error the module has no token with serial \"0000\"\n");
    says({{"--label", "other"}},
         "error the module has no token with label \"other\" and serial \"" + token().serial() + "\"\n");
    token().store().add_token({.label = token().label()});
    says({{"--serial", ""}, {"--label", token().label()}},
         "error 2 tokens have label \"" + token().label() + "\"\n");
    says({{"--user-pin-file", "/nonexistent"}}, "error cannot read \"/nonexistent\"\n");
    says({{"--user-pin-file", token().so_pin_file().string()}},
         "error C_Login returned 0xa0 (CKR_PIN_INCORRECT)\n");
    says({{"--content", "/nonexistent"}}, "error \"/nonexistent\" is not a file\n");
    says({{"--module", "/bin/sh"}}, "error cannot load the module: /bin/sh: cannot dynamically load "
                                    "position-independent executable\n");
}

TEST_CASE_METHOD(FillProgram, "the program that fills knows its options") {
    const std::string usage =
        "usage: softhsm-fixture-fill --module FILE [--serial SERIAL] [--label LABEL] "
        "--user-pin-file FILE [--so-pin-file FILE] --content FILE [--init-arguments TEXT]\n";
    for (const std::map<std::string, std::string>& changes :
         {std::map<std::string, std::string>{{"--serial", ""}}, {{"--module", ""}}, {{"--pin", "1234"}}}) {
        const auto finished = run_with(changes);
        CHECK(finished.output == usage);
        CHECK(finished.status == 2);
    }
    CHECK(support::run("'" FILL_PROGRAM "' --module").output == usage);
}

TEST_CASE_METHOD(FillProgram, "trusted objects need the security officer's PIN") {
    const auto content = write(R"([{"type": "rsa", "store": "public", "attributes": {"trusted": true}}])");
    const auto finished = run_with({{"--content", content}});
    CHECK(finished.output ==
          "error entry 1: only a security officer marks as trusted, whose PIN is not there\n");
    CHECK(run_with({{"--content", content}, {"--so-pin-file", token().so_pin_file().string()}}).output ==
          "objects 1\n");
}

TEST_CASE("NSS's token is filled from the same list, and NSS's tools see what is in it") {
    const auto& nss = require_module("nss-softokn");
    if (const auto reason = nss.absence_reason()) {
        SKIP(*reason);
    }
    if (support::run("command -v certutil").status != 0) {
        SKIP("certutil (libnss3-tools) is not installed");
    }
    const auto token = make_test_token(nss);
    const auto content = token->directory() / "content.json";
    std::ofstream(content) << R"([{"type": "rsa", "label": "root", "certificate": {"ca": true}},
                                  {"type": "ec", "curve": "P-256", "label": "leaf", "id": "aabb",
                                   "certificate": {"issuer": "root"}},
                                  {"type": "aes", "label": "secret"},
                                  {"type": "ec", "curve": "P-384", "label": "made", "id": "ccdd",
                                   "origin": "generated", "certificate": {"issuer": "leaf"}}])";
    const auto filled = support::run(
        "'" FILL_PROGRAM "' --module '" + token->module_path().string() + "' --label '" +
        token->details().label + "' --user-pin-file '" + token->details().user_pin_file.string() +
        "' --content '" + content.string() + "' --init-arguments \"" + token->init_arguments() + '"');
    CHECK(filled.output == "objects 10\n");

    const std::string database = " -d 'sql:" + (token->directory() / "nssdb").string() + "'";
    const auto keys = support::run("certutil -K -f '" + token->details().user_pin_file.string() + "'" +
                                   database + " | tail -n +2 | tr -s ' '");
    CHECK(std::regex_replace(keys.output, std::regex("[0-9a-f]{40}"), "ID") ==
          "< 0> rsa ID root\n< 1> ec aabb leaf\n< 2> ec ccdd made\n");
    const auto certificates = support::run("certutil -L" + database + " | tail -n +5 | tr -s ' '");
    CHECK(certificates.output == "root u,u,u\nleaf u,u,u\nmade u,u,u\n");
}
