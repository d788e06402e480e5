// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace keyway::test;

/// Keys of CAs and leaves belong in a token that is not there; the database takes those of OCSP responders.
void configure(const Workshop& shop) {
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["hsm"] = Json{{"type", "hsm"},
                                       {"module", "/nonexistent/module.so"},
                                       {"token-label", "ca"},
                                       {"user-pin", "env:KEYWAY_TEST_PASSPHRASE"},
                                       {"fallback", {{"leaf", "file"}}}};
    settings["backends-by-purpose"] = Json{{"ca", "hsm"}, {"ocsp", "db"}, {"leaf", "hsm"}};
    shop.write("keyway.json", settings.dump());
}

TEST_CASE("the settings choose the backend by the purpose of a key") {
    const Workshop shop;
    configure(shop);
    const auto create = [&](const std::string& purpose) -> std::vector<std::string> {
        return {"key", "create", "--type", "p-256", "--label", "x", "--purpose", purpose};
    };
    CHECK(shop.succeed_json(create("ocsp")).at("backend") == "db");
    shop.fail(create("ca"), 17, "token_not_found");
    CHECK(shop.fail(create("root"), 10, "invalid_option") == "\"root\" is no purpose of a key\nknown here: ca, ocsp, leaf");
    // What is named goes first.
    auto named = create("ca");
    named.insert(named.end(), {"--backend", "file"});
    CHECK(shop.succeed_json(named).at("backend") == "file");
}

TEST_CASE("a fallback is said on standard error, in the output, in the reference, and whenever the key is used") {
    const Workshop shop;
    configure(shop);
    const auto made = shop.keyway({"--json", "key", "create", "--type", "p-256", "--label", "www", "--purpose", "leaf"});
    INFO(made.err);
    REQUIRE(made.status == 0);
    const auto json = Json::parse(made.out);
    CHECK(json.at("backend") == "file");
    CHECK(json.at("fallback").at("from") == "hsm");
    CHECK(json.at("fallback").at("to") == "file");
    CHECK_FALSE(json.at("fallback").at("because").get<std::string>().empty());
    CHECK(Json::parse(made.err).at("warning").at("message").get<std::string>().starts_with(
        "the key was made in backend \"file\", in place of \"hsm\": "));
    const auto ref = json.at("reference").get<std::string>();
    CHECK(ref.find("&fallback-from=hsm&") != std::string::npos);

    const auto check = shop.keyway({"key", "check", ref});
    CHECK(check.status == 0);
    CHECK(check.out == "ok\n");
    CHECK(check.err.starts_with("keyway: warning: the key is in backend \"file\" in place of \"hsm\""));
    const auto check_json = shop.keyway({"--json", "key", "check", ref});
    CHECK(Json::parse(check_json.out).at("fallback") == Json{{"from", "hsm"}, {"to", "file"}});

    shop.write("message", "message");
    const auto signature = shop.keyway({"key", "sign", ref, "--in", "message", "--format", "hex"});
    CHECK(signature.status == 0);
    CHECK(signature.err.starts_with("keyway: warning: the key is in backend \"file\" in place of \"hsm\""));

    CHECK(shop.fail({"ca", "create", "--key", ref, "--subject", "CN=x", "--out", "x.pem"}, 26, "unsupported")
              .starts_with("the key in backend \"file\" was made in place of one in \"hsm\", and cannot be the key of a CA\n"));
    CHECK_FALSE(shop.has("x.pem"));

    CHECK(shop.keyway({"key", "show", ref}).status == 0);
    CHECK(shop.keyway({"key", "remove", ref, "--yes"}).status == 0);
    CHECK(shop.succeed_json({"key", "list", "--backend", "file"}).at("keys").empty());

    // Who names a backend gets none in its place.
    CHECK(shop.keyway({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "www", "--purpose", "leaf"}).status != 0);
    CHECK(shop.succeed_json({"key", "list", "--backend", "file"}).at("keys").empty());
}

TEST_CASE("a fallback for keys of CAs is refused by every command, config check among them") {
    const Workshop shop;
    configure(shop);
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["hsm"]["fallback"]["ca"] = "file";
    shop.write("keyway.json", settings.dump());
    const auto checked = shop.keyway({"--json", "config", "check"});
    CHECK(checked.status == 10);
    CHECK(Json::parse(checked.out).at("faults").at(0).at("message") == "the backend \"hsm\" has a fallback for keys of CAs");
    shop.fail({"key", "list"}, 10, "invalid_option");
}

}  // namespace
