// SPDX-License-Identifier: BSD-2-Clause
// The command on a module other than SoftHSM, one that wants init-args: NSS softokn.
#include "workshop.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/catch2_modules.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

namespace {

using namespace keyway::test;

/// An RSA key that another program has put into the token.
constexpr const char* others_key = R"([{"type": "rsa", "bits": 2048, "label": "theirs"}])";

struct NssWorkshop {
    softhsm_fixtures::TestTokenFixture fixture;
    Workshop shop;

    explicit NssWorkshop(const softhsm_fixtures::TokenOptions& options = {})
        : fixture(softhsm_fixtures::require_module("nss-softokn"), options) {
        shop.environment["KEYWAY_TEST_PIN"] = token().details().user_pin;
        const Json json{{"version", 1},
                        {"backends",
                         {{"nss",
                           {{"type", "hsm"},
                            {"module", module()},
                            {"init-args", token().init_arguments()},
                            {"token-label", label()},
                            {"user-pin", "env:KEYWAY_TEST_PIN"}}}}}};
        shop.write("keyway.json", json.dump());
    }

    softhsm_fixtures::TestToken& token() { return fixture.token(); }
    std::string module() { return token().module_path().string(); }
    std::string label() { return token().details().label; }

    /// By flags alone, without settings.
    std::vector<std::string> by_flags(std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--module", module(), "--init-args", token().init_arguments()});
        return arguments;
    }
};

TEST_CASE_METHOD(NssWorkshop, "keys in NSS softokn are created, listed, checked, used and removed") {
    for(const std::string type : {"p-256", "p-384", "rsa-2048"}) {
        INFO(type);
        const auto ref = line(shop.succeed({"key", "create", "--type", type, "--label", type}));
        CHECK(shop.succeed({"key", "check", ref}) == "ok\n");
        shop.write("public.pem", shop.succeed({"key", "show", "nss:" + type, "--pem"}));
        shop.write("data", "to be signed");
        const auto hash = type == "p-384" ? "sha384" : "sha256";
        shop.succeed({"key", "sign", ref, "--scheme", hash, "--in", "data", "--out", type + ".signature"});
        shop.run({"openssl", "dgst", "-" + std::string(hash), "-verify", "public.pem", "-signature", type + ".signature", "data"});
        shop.succeed({"ca", "create", "--key", ref, "--subject", "CN=" + type, "--out", type + ".pem"});
        shop.run({"openssl", "verify", "-CAfile", type + ".pem", type + ".pem"});
    }
    shop.succeed({"crl", "issue", "--issuer", "p-256.pem", "--issuer-key", "nss:p-256", "--number", "1", "--out", "ca.crl"});
    shop.run({"openssl", "crl", "-in", "ca.crl", "-CAfile", "p-256.pem", "-noout"});
    CHECK(shop.succeed_json({"key", "list"}).at("keys").size() == 3);
    shop.fail({"key", "create", "--type", "p-256", "--label", "p-256"}, 22, "already_exists");
    const auto said = shop.fail({"key", "create", "--type", "secp256k1", "--label", "new"}, 26, "unsupported");
    CHECK(said.find("it offers: p-256, p-384, p-521") != std::string::npos);
    shop.fail({"key", "create", "--type", "secp256k1", "--label", "new", "--dry-run"}, 26, "unsupported");
    for(const std::string type : {"p-256", "p-384", "rsa-2048"}) {
        shop.succeed({"key", "remove", "nss:" + type, "--yes"});
    }
    CHECK(shop.succeed({"key", "list"}) == "no keys in backend \"nss\"\n");
}

TEST_CASE_METHOD(NssWorkshop, "a key made elsewhere is stored in NSS softokn") {
    shop.run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"});
    const auto ref = line(shop.succeed({"key", "store", "--in", "key.pem", "--label", "theirs"}));
    shop.write("public.pem", shop.succeed({"key", "show", ref, "--pem"}));
    CHECK(shop.run({"openssl", "pkey", "-in", "key.pem", "-pubout"}) == shop.read("public.pem"));
}

TEST_CASE_METHOD(softhsm_fixtures::SoftHsmFixture, "keys go between tokens of two makers, which encrypt them in two ways, through memory only") {
    NssWorkshop nss;
    auto& shop = nss.shop;
    auto json = Json::parse(shop.read("keyway.json"));
    json["backends"]["hsm"] = {
        {"type", "hsm"}, {"module", token().module_path().string()}, {"token-label", token().label()}, {"user-pin", "env:KEYWAY_OTHER_PIN"}};
    shop.environment["KEYWAY_OTHER_PIN"] = token().user_pin();
    shop.write("keyway.json", json.dump());
    for(const auto& [from, to] : {std::pair<std::string, std::string>{"hsm", "nss"}, {"nss", "hsm"}}) {
        INFO("from " << from << " to " << to);
        shop.succeed({"key", "create", "--backend", from, "--type", "p-256", "--label", "of-" + from, "--extractable"});
        std::vector<std::string> move{"key", "migrate", from + ":of-" + from, to + ":of-" + from};
        CHECK(shop.fail(move, 24, "malformed_data").find("--through-memory") != std::string::npos);
        move.emplace_back("--through-memory");
        CHECK(shop.succeed_json(move).at("receipt").at("how") == "import");
        CHECK(shop.succeed({"key", "check", to + ":of-" + from}) == "ok\n");
    }
}

TEST_CASE("a key that another program has made in NSS softokn is adopted") {
    NssWorkshop nss({.content = softhsm_fixtures::TokenContent::parse(others_key)});
    const auto ref = line(nss.shop.succeed({"key", "adopt", "--label", "theirs"}));
    CHECK(nss.shop.succeed({"key", "check", ref}) == "ok\n");
    nss.shop.succeed({"ca", "create", "--key", ref, "--subject", "CN=theirs", "--out", "theirs.pem"});
    nss.shop.run({"openssl", "verify", "-CAfile", "theirs.pem", "theirs.pem"});
    nss.shop.fail({"key", "adopt", "--label", "nobody"}, 20, "key_not_found");
}

TEST_CASE_METHOD(NssWorkshop, "what NSS softokn lacks is told in its own terms") {
    const auto speaks_of_nss = [&](const std::vector<std::string>& arguments) {
        const auto result = shop.keyway(arguments);
        INFO(result.out << result.err);
        CHECK(result.status != 0);
        CHECK(result.err.find("configDir='sql:FOLDER'") != std::string::npos);
        CHECK(result.err.find("SoftHSM") == std::string::npos);
    };
    const auto settings = [&](const Json& init_args) {
        auto json = Json::parse(shop.read("keyway.json"));
        json["backends"]["nss"].erase("init-args");
        if(!init_args.is_null()) {
            json["backends"]["nss"]["init-args"] = init_args;
        }
        shop.write("keyway.json", json.dump());
    };
    settings(nullptr);
    speaks_of_nss({"key", "list"});
    speaks_of_nss({"token", "login", "--user-pin", "env:KEYWAY_TEST_PIN"});
    settings("configDir='sql:/nowhere'");
    speaks_of_nss({"key", "list"});
    speaks_of_nss({"token", "login", "--user-pin", "env:KEYWAY_TEST_PIN"});
}

TEST_CASE_METHOD(NssWorkshop, "every command about tokens addresses one of NSS softokn, by settings and by flags") {
    const auto labels = [](const Json& list) {
        std::vector<std::string> out;
        for(const auto& one : list.at("tokens")) {
            out.push_back(one.at("label"));
        }
        return out;
    };
    const std::vector<std::string> one{label()};
    CHECK(labels(shop.succeed_json({"token", "list"})) == one);
    CHECK(shop.succeed({"token", "login", "--user-pin", "env:KEYWAY_TEST_PIN"}).find("is right") != std::string::npos);
    const auto measured = shop.succeed_json({"token", "probe", "--repeat", "1", "--write"});
    CHECK(measured.at("measured").at("signing").at("CKM_ECDSA").at("works") == true);

    shop.write("keyway.json", R"({"version": 1})");
    CHECK(labels(shop.succeed_json(by_flags({"token", "list"}))) == one);
    const auto quirks = shop.succeed_json(by_flags({"token", "quirks"}));
    CHECK(labels(quirks) == one);
    CHECK(quirks.at("tokens")[0].at("profile") == "nss-softokn");
    const std::vector<std::string> pin{"--label", label(), "--user-pin", "env:KEYWAY_TEST_PIN"};
    for(auto arguments : {by_flags({"token", "login"}), by_flags({"token", "probe", "--repeat", "1"})}) {
        arguments.insert(arguments.end(), pin.begin(), pin.end());
        shop.succeed(arguments);
    }
    shop.fail({"token", "list", "--init-args", "x"}, 2, "usage");
    shop.fail({"token", "quirks", "--init-args", "x"}, 2, "usage");
    shop.fail({"token", "probe", "--init-args", "x"}, 2, "usage");
    shop.fail({"token", "list", "--module", "/a", "--module", "/b", "--init-args", "x"}, 2, "usage");
}

}  // namespace
