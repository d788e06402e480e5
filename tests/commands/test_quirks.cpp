// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

namespace {

using namespace keyway::test;
using softhsm_fixtures::FaultModule;
using softhsm_fixtures::SoftHsmFixture;

/// A workshop with a token, which the settings name as the backend "hsm".
struct QuirkWorkshop : SoftHsmFixture {
    Workshop shop;

    QuirkWorkshop() {
        shop.environment["KEYWAY_TEST_PIN"] = token().user_pin();
        settings(module());
    }

    void settings(const std::string& path) {
        const Json json{{"version", 1},
                        {"backends",
                         {{"hsm",
                           {{"type", "hsm"},
                            {"module", path},
                            {"token-label", token().label()},
                            {"user-pin", "env:KEYWAY_TEST_PIN"}}}}}};
        shop.write("keyway.json", json.dump());
    }

    [[nodiscard]] std::string module() { return token().module_path().string(); }

    [[nodiscard]] std::vector<std::string> probe(std::initializer_list<std::string> more) const {
        std::vector<std::string> arguments{"token", "probe", "--repeat", "1"};
        arguments.insert(arguments.end(), more);
        return arguments;
    }
};

const Json* find_line(const Json& profile, const std::string& quirk) {
    for(const auto& line : profile.at("quirks")) {
        if(line.contains(quirk)) {
            return &line;
        }
    }
    return nullptr;
}

TEST_CASE_METHOD(QuirkWorkshop, "the known profiles are listed and shown, with reasons and sources") {
    const auto list = shop.succeed_json({"token", "quirks"}).at("profiles");
    CHECK(list.size() >= 15);
    const auto text = shop.succeed({"token", "quirks"});
    for(const auto& profile : list) {
        CHECK(text.find("\n" + profile.at("name").get<std::string>() + " ") != std::string::npos);
    }
    const auto one = shop.succeed_json({"token", "quirks", "yubihsm2"});
    CHECK(std::ranges::count(list, one) == 1);
    const auto* const line = find_line(one, "idle-timeout-ms");
    REQUIRE(line != nullptr);
    CHECK(line->at("idle-timeout-ms") == 30000);
    CHECK(line->at("source").get<std::string>().starts_with("https://"));
    const auto shown = shop.succeed({"token", "quirks", "yubihsm2"});
    CHECK(shown.find("\nidle-timeout-ms: 30000\n") != std::string::npos);
    CHECK(shown.find(line->at("source").get<std::string>()) != std::string::npos);
}

TEST_CASE_METHOD(QuirkWorkshop, "it is told which profile a token gets") {
    const auto found = shop.succeed_json({"token", "quirks", "--module", module()});
    CHECK(found.at("module").at("manufacturer") == "SoftHSM");
    REQUIRE(found.at("tokens").size() == 2);
    CHECK(found.at("tokens")[0].at("label") == token().label());
    CHECK(found.at("tokens")[0].at("profile") == "softhsm2");
    CHECK(shop.succeed({"token", "quirks", "--module", module()}).find("softhsm2") != std::string::npos);
}

TEST_CASE_METHOD(QuirkWorkshop, "a profile that is none is refused with the names there are") {
    CHECK(shop.fail({"token", "quirks", "yubihsm"}, 10, "invalid_option").find("did you mean \"yubihsm2\"?") !=
          std::string::npos);
    shop.fail({"token", "quirks", "auto"}, 2, "usage");
    shop.fail({"token", "quirks", "luna", "--module", module()}, 2, "usage");
    shop.write("bad.json", R"({"name": "x", "summary": "y", "quirks": [{"slow": true}]})");
    const auto said = shop.fail({"token", "quirks", "bad.json"}, 10, "invalid_option");
    CHECK(said.find("bad.json: line 1: there is no quirk \"slow\"") != std::string::npos);
}

TEST_CASE_METHOD(QuirkWorkshop, "a token is measured, and what was found is a profile") {
    const auto before = shop.succeed({"key", "list"});
    const auto text = shop.succeed(probe({"--write", "--sessions", "12", "--name", "mine", "--out", "mine.json"}));
    CHECK(text.find("CKA_EC_POINT           ") != std::string::npos);
    CHECK(text.find("no limit announced, 12 opened") != std::string::npos);
    CHECK(text.find("CKR_USER_ALREADY_LOGGED_IN") != std::string::npos);
    CHECK(shop.succeed({"key", "list"}) == before);
    const auto profile = Json::parse(shop.read("mine.json"));
    CHECK(profile.at("name") == "mine");
    CHECK(profile.at("measured").at("signing").at("CKM_ECDSA").at("works") == true);
    CHECK(profile.at("measured").at("sessions-opened") == 12);
    REQUIRE(find_line(profile, "ec-point") != nullptr);
    CHECK(find_line(profile, "ec-point")->at("ec-point") == "der");
    const auto read = shop.succeed_json({"token", "quirks", "mine.json"});
    CHECK(read.at("quirks") == profile.at("quirks"));
    CHECK(shop.read("mine.json").find(token().user_pin()) == std::string::npos);

    shop.fail(probe({"--out", "mine.json"}), 22, "already_exists");
    const auto replaced = shop.succeed(probe({"--out", "mine.json", "--force"}));
    CHECK(replaced.find("not tried") != std::string::npos);
    CHECK(Json::parse(shop.read("mine.json")).at("name") == "measured");
    CHECK(Json::parse(shop.succeed(probe({"--out", "-"}))).at("measured").at("signing") == Json::object());
}

TEST_CASE_METHOD(QuirkWorkshop, "the token is named by flags as well as by settings") {
    shop.write("keyway.json", R"({"version": 1})");
    const auto json = shop.succeed_json(
        probe({"--module", module(), "--serial", token().serial(), "--user-pin", "env:KEYWAY_TEST_PIN"}));
    CHECK(json.at("measured").at("state-after-login") == "CKS_RO_USER_FUNCTIONS");
    CHECK(shop.fail(probe({"--module", module(), "--label", token().label()}), 2, "usage").find("--user-pin") !=
          std::string::npos);
    shop.fail(probe({"--module", module(), "--label", "absent", "--user-pin", "env:KEYWAY_TEST_PIN"}), 17,
              "token_not_found");
    shop.fail(probe({}), 16, "backend_not_found");
    settings(module());
    shop.fail(probe({"--module", module(), "--backend", "hsm"}), 2, "usage");
    shop.fail(probe({"--key", "any"}), 2, "usage");
    shop.fail(probe({"--name", "No Name"}), 10, "invalid_option");
    shop.fail(probe({"--sessions", "0"}), 2, "usage");
}

TEST_CASE_METHOD(QuirkWorkshop, "a dry run says what would be done, and does not log in") {
    const FaultModule fault(module());
    settings(fault.path().string());
    const auto said = shop.succeed(probe({"--write", "--sessions", "5", "--key", "k", "--dry-run"}));
    CHECK(said.find("would make key pairs of the session") != std::string::npos);
    CHECK(said.find("up to 5 sessions") != std::string::npos);
    CHECK(said.find("with the key \"k\"") != std::string::npos);
    CHECK(shop.succeed_json(probe({"--dry-run"})).at("write") == false);
    CHECK(fault.calls("C_Login") == 0);
    CHECK(fault.calls("C_OpenSession") == 0);
}

TEST_CASE_METHOD(QuirkWorkshop, "a key of the token is compared with a session copy of it") {
    static_cast<void>(shop.succeed({"key", "create", "--type", "p-256", "--label", "signing"}));
    const auto before = shop.succeed({"key", "list"});
    const auto json = shop.succeed_json(probe({"--write", "--key", "signing"}));
    CHECK(json.at("measured").at("copy-speed").get<double>() > 0);
    CHECK(json.at("measured").at("copy-object") == "CKR_OK");
    CHECK(shop.succeed({"key", "list"}) == before);
    shop.fail(probe({"--write", "--key", "absent"}), 20, "key_not_found");
}

TEST_CASE_METHOD(QuirkWorkshop, "a token without read-only sessions is measured and logged in to by others") {
    const FaultModule fault(module(), {.plan = R"({"faults": [{"fault": "return", "function": "C_OpenSession",
                                                 "rv": "CKR_SESSION_READ_WRITE_SO_EXISTS", "at": 1}]})"});
    settings(fault.path().string());
    const auto measured = shop.succeed_json(probe({"--write", "--sessions", "4"})).at("measured");
    CHECK(measured.at("state-before-login") == "CKS_RW_PUBLIC_SESSION");
    CHECK(measured.at("state-after-login") == "CKS_RW_USER_FUNCTIONS");
    CHECK(measured.at("signing").at("CKM_ECDSA").at("works") == true);
    CHECK(fault.failed_calls("C_OpenSession") == 1);
    CHECK(shop.succeed({"token", "login", "--user-pin", "env:KEYWAY_TEST_PIN"}).find("is right") != std::string::npos);
    CHECK(fault.failed_calls("C_OpenSession") == 2);
}

TEST_CASE_METHOD(QuirkWorkshop, "settings that name two tokens are refused by all commands alike") {
    const Json json{{"version", 1},
                    {"backends",
                     {{"hsm",
                       {{"type", "hsm"}, {"module", module()}, {"token-label", token().label()},
                        {"token-uri", "pkcs11:token=other"}, {"user-pin", "env:KEYWAY_TEST_PIN"}}}}}};
    shop.write("keyway.json", json.dump());
    for(const auto* const verb : {"probe", "login"}) {
        CHECK(shop.fail({"token", verb}, 10, "invalid_option").find("\"token-label\"") != std::string::npos);
    }
    shop.fail({"key", "list"}, 10, "invalid_option");
}

TEST_CASE_METHOD(QuirkWorkshop, "a wrong PIN is told, and not given twice") {
    shop.environment["KEYWAY_TEST_PIN"] = passphrase;
    const FaultModule fault(module());
    settings(fault.path().string());
    const auto said = shop.fail_once(probe({"--write"}), 13, "pin_incorrect");
    CHECK(said.find(passphrase) == std::string::npos);
    CHECK(fault.calls("C_Login") == 1);
    CHECK(fault.calls("C_GenerateKeyPair") == 0);
}

}  // namespace
