// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <support/guises.hpp>

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <catch2/catch_test_macros.hpp>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>

namespace {

using namespace keyway::test;
using softhsm_fixtures::SoftHsmFixture;

/// A workshop whose backend "hsm" is a token of its own.
struct TokenWorkshop : SoftHsmFixture {
    Workshop shop;

    TokenWorkshop() {
        shop.environment["KEYWAY_TEST_PIN"] = token().user_pin();
        settings(token().label(), "env:KEYWAY_TEST_PIN");
    }

    void settings(const std::string& label, const std::string& pin) const {
        const Json json{
            {"version", 1},
            {"backends",
             {{"hsm",
               {{"type", "hsm"}, {"module", token_module()}, {"token-label", label}, {"user-pin", pin}}}}}};
        shop.write("keyway.json", json.dump());
    }

    [[nodiscard]] std::string token_module() const {
        return const_cast<TokenWorkshop*>(this)->token().module_path().string();
    }
};

TEST_CASE_METHOD(TokenWorkshop, "no command about a token shows a PIN, in whatever writing") {
    shop.environment["KEYWAY_TEST_WRONG"] = "00" + token().user_pin();
    std::string all;
    for(const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
            {"token", "login", "--user-pin", "env:KEYWAY_TEST_PIN"},
            {"token", "list", "--module", token_module()},
            {"token", "quirks", "--module", token_module()},
            {"token", "probe", "--repeat", "1"},
            {"token", "probe", "--repeat", "1", "--write", "--sessions", "4", "--out", "-"},
            {"backend", "list"},
            {"config", "explain"},
            {"token", "login", "--user-pin", "env:KEYWAY_TEST_WRONG"},
            {"token", "login", "--user-pin", "env:KEYWAY_TEST_WRONG"},
        }) {
        for(const bool json : {false, true}) {
            auto arguments = words;
            if(json) {
                arguments.insert(arguments.begin(), "--json");
            }
            const auto result = shop.keyway(arguments);
            CHECK(!(result.out + result.err).empty());
            all += result.out + result.err;
        }
    }
    for(const auto& secret : {token().user_pin(), token().so_pin()}) {
        for(const auto& guise : guises(secret)) {
            INFO(guise);
            CHECK(all.find(guise) == std::string::npos);
        }
    }
    CHECK(all.find(token().label()) != std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "a key in a token is created, listed, shown, checked, used and removed") {
    const auto ref =
        line(shop.succeed({"key", "create", "--type", "p-256", "--label", "root", "--id", "a1b2"}));
    CHECK(ref.find("&id=a1b2&label=root") != std::string::npos);
    const auto list = shop.succeed_json({"key", "list"});
    REQUIRE(list.at("keys").size() == 1);
    CHECK(list.at("keys")[0].at("attributes") ==
          Json{{"id", "a1b2"}, {"token", token().label()}, {"sensitive", true}, {"extractable", false}});
    CHECK(shop.succeed({"key", "check", "hsm:root"}) == "ok\n");
    shop.write("public.pem", shop.succeed({"key", "show", "hsm:root", "--pem"}));
    shop.write("data", "to be signed");
    shop.succeed({"key", "sign", ref, "--in", "data", "--out", "signature"});
    shop.run({"openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data"});
    shop.succeed({"ca", "create", "--key", ref, "--subject", "CN=root", "--out", "root.pem"});
    shop.run({"openssl", "verify", "-CAfile", "root.pem", "root.pem"});
    shop.fail({"key", "create", "--type", "p-256", "--label", "root"}, 22, "already_exists");
    shop.succeed({"key", "remove", ref, "--yes"});
    CHECK(shop.succeed({"key", "list"}) == "no keys in backend \"hsm\"\n");
}

TEST_CASE_METHOD(TokenWorkshop, "a key made by others is stored in a token") {
    shop.run(
        {"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "key.pem"});
    const auto ref = line(shop.succeed({"key", "store", "--in", "key.pem", "--label", "theirs"}));
    shop.write("public.pem", shop.succeed({"key", "show", ref, "--pem"}));
    CHECK(shop.run({"openssl", "pkey", "-in", "key.pem", "-pubout"}) == shop.read("public.pem"));
}

TEST_CASE_METHOD(TokenWorkshop, "a key that is in a token already is adopted") {
    const auto ref = line(shop.succeed({"key", "create", "--type", "p-256", "--label", "theirs", "--id", "a1"}));
    CHECK(line(shop.succeed({"key", "adopt", "--label", "theirs"})) == ref);
    const auto json = shop.succeed_json({"key", "adopt", "--id", "a1", "--out", "their.ref"});
    CHECK(json.at("label") == "theirs");
    CHECK(json.at("out") == "their.ref");
    CHECK(line(shop.read("their.ref")) == ref);
    CHECK(shop.succeed({"key", "check", "their.ref"}) == "ok\n");

    // Nothing is removed when the reference cannot be written.
    shop.fail({"key", "adopt", "--label", "theirs", "--out", "their.ref"}, 22, "already_exists");
    shop.succeed({"key", "adopt", "--label", "theirs", "--out", "their.ref", "--force"});
    shop.fail({"key", "adopt"}, 10, "invalid_option");
    const auto said = shop.fail({"key", "adopt", "--label", "nobody"}, 20, "key_not_found");
    CHECK(said.find("\"theirs\" (id a1)") != std::string::npos);
    shop.fail({"key", "adopt", "--label", "theirs", "--usage", "sign"}, 10, "invalid_option");
    CHECK(shop.succeed({"key", "check", ref}) == "ok\n");
}

TEST_CASE("a key in a file or a database whose reference is lost is adopted") {
    const Workshop shop;
    const auto ref = shop.make_key("root");
    CHECK(shop.succeed({"key", "adopt", "--label", "root"}).find(ref) != std::string::npos);
    CHECK(shop.succeed({"key", "adopt", "--file", "keys/root.pem"}).find(ref) != std::string::npos);
    shop.fail({"key", "adopt", "--label", "nobody"}, 20, "key_not_found");
    shop.fail({"key", "adopt"}, 10, "invalid_option");
    const auto in_database = shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"});
    CHECK(shop.succeed({"key", "adopt", "--backend", "db", "--label", "a"}) == in_database);
}

TEST_CASE("a key file that others can read is told as such, not as missing") {
    const Workshop shop;
    shop.make_key("root");
    std::filesystem::permissions(shop.path("keys/root.pem"), std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    shop.fail({"key", "check", "file:root"}, 25, "permissions_insecure");
    shop.fail({"key", "check", "file:roo"}, 20, "key_not_found");
}

TEST_CASE_METHOD(TokenWorkshop, "the PIN's source is a flag, plain or with the alias in front") {
    settings(token().label(), "env:NOT_SET");
    shop.fail({"key", "list"}, 12, "secret_unavailable");
    for(const std::string flag : {"--user-pin", "--hsm-user-pin"}) {
        shop.succeed({"key", "list", flag, "env:KEYWAY_TEST_PIN"});
        shop.succeed({"key", "list", flag + "=file:" + token().user_pin_file().string()});
    }
    const auto said = shop.fail(
        {"key", "list", "--user-pin", "env:KEYWAY_TEST_PIN", "--hsm-user-pin", "env:KEYWAY_TEST_PIN"}, 2,
        "usage");
    CHECK(said.find("given twice") != std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "a whole backend is given on the command line") {
    shop.write("keyway.json", R"({"version": 1})");
    const std::vector<std::string> sets{"--set", "t.type=hsm",
                                        "--set", "t.module=" + token_module(),
                                        "--set", "t.token-uri=" + token().uri()};
    auto list = sets;
    list.insert(list.end(), {"key", "list", "--user-pin", "env:KEYWAY_TEST_PIN"});
    CHECK(shop.succeed(list) == "no keys in backend \"t\"\n");
}

TEST_CASE_METHOD(TokenWorkshop, "a wrong PIN is refused") {
    shop.environment["KEYWAY_TEST_PIN"] = passphrase;
    const auto result = shop.keyway({"--json", "key", "list"});
    CHECK(result.status == 13);
    const auto error = Json::parse(result.err).at("error");
    CHECK(error.at("code") == "pin_incorrect");
    CHECK(error.at("backend") == "hsm");
    CHECK(error.at("return_value") == "CKR_PIN_INCORRECT");
    CHECK(result.err.find(passphrase) == std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "tokens that do not fit, or more than one") {
    settings("no such token", "env:KEYWAY_TEST_PIN");
    const auto said = shop.fail({"key", "list"}, 17, "token_not_found");
    CHECK(said.find(token().label()) != std::string::npos);

    token().store().add_token({.label = "twin"});
    token().store().add_token({.label = "twin"});
    settings("twin", "env:KEYWAY_TEST_PIN");
    shop.fail({"key", "list"}, 18, "token_ambiguous");

    shop.fail({"token", "list", "--module", "/nowhere/module.so"}, 17, "token_not_found");
}

TEST_CASE_METHOD(TokenWorkshop, "a token is initialised and listed") {
    shop.environment["SO_PIN"] = "987654321";
    shop.write("pin", "13572468\n");
    std::filesystem::permissions(shop.path("pin"), std::filesystem::perms{0600});
    const std::vector<std::string> init{"token",   "init",     "--module",   token_module(), "--label",
                                        "new one", "--so-pin", "env:SO_PIN", "--user-pin",   "file:pin"};
    auto dry = init;
    dry.emplace_back("--dry-run");
    const auto tokens = [&] { return shop.succeed_json({"token", "list"}).at("tokens"); };
    CHECK(shop.succeed(dry) == "would initialise a token with label \"new one\"\n");
    CHECK(tokens().size() == 2);  // and the empty one

    const auto made = shop.succeed_json(init);
    CHECK(made.at("label") == "new one");
    CHECK(made.at("user-pin-initialized") == true);
    const auto listed = tokens();
    CHECK(listed.size() == 3);
    CHECK(std::ranges::count(listed, made) == 1);
    CHECK(shop.succeed({"token", "list"}).find("new one") != std::string::npos);

    settings("new one", "file:pin");
    static_cast<void>(shop.succeed({"key", "create", "--type", "ed25519", "--label", "key"}));
    const auto said = shop.fail(init, 22, "already_exists");
    CHECK(shop.fail(dry, 22, "already_exists") == said);
    CHECK(said.find("use that one, which `keyway token list` shows, or choose another label") != std::string::npos);
    auto with_arguments = dry;
    with_arguments.insert(with_arguments.end(), {"--init-args", "x"});
    // SoftHSM takes none.
    CHECK(shop.fail(with_arguments, 19, "token_failed").find("CKR_ARGUMENTS_BAD") != std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "a dry run fails as the real call would where the token takes no such key") {
    shop.run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"});
    const std::vector<std::string> create{"key", "create", "--type", "p-256", "--label", "k"};
    const std::vector<std::string> store{"key", "store", "--in", "key.pem", "--label", "k"};
    const auto alike = [&](std::vector<std::string> arguments, const std::vector<std::string>& more, int status,
                           const std::string& code) {
        arguments.insert(arguments.end(), more.begin(), more.end());
        auto dry = arguments;
        dry.emplace_back("--dry-run");
        CHECK(shop.fail(dry, status, code) == shop.fail(arguments, status, code));
    };
    alike(create, {"--usage", "decrypt"}, 26, "unsupported");
    alike(store, {"--usage", "decrypt"}, 26, "unsupported");
    alike({"key", "create", "--type", "x25519", "--label", "k"}, {}, 26, "unsupported");
    const auto with_quirks = [&](const std::string& profile) {
        auto json = Json::parse(shop.read("keyway.json"));
        json["backends"]["hsm"]["quirks"] = profile;
        shop.write("keyway.json", json.dump());
    };
    // SoftHSM by the rules of tokens that let only others make keys, or take none from elsewhere.
    with_quirks("tpm2-pkcs11");
    alike(store, {}, 26, "unsupported");
    shop.succeed({"key", "create", "--type", "p-256", "--label", "made", "--dry-run"});
    with_quirks("nethsm");
    alike(create, {}, 26, "unsupported");
    with_quirks("auto");
    shop.succeed({"key", "create", "--type", "p-256", "--label", "k", "--id", "a1"});
    alike(create, {}, 22, "already_exists");
    alike({"key", "create", "--type", "p-256", "--label", "other"}, {"--id", "a1"}, 22, "already_exists");
}

TEST_CASE_METHOD(TokenWorkshop, "a certificate is kept beside its key, where other programs find it by the key's id") {
    const auto others_see = [&] {
        return shop.run({"pkcs11-tool", "--module", token_module(), "--token-label", token().label(), "--list-objects", "--type",
                         "cert"});
    };
    shop.succeed({"key", "create", "--type", "p-256", "--label", "root", "--id", "a1b2"});
    shop.succeed({"ca", "create", "--key", "hsm:root", "--subject", "CN=root", "--out", "root.pem"});
    const std::vector<std::string> keep{"key", "certificate", "--key", "hsm:root", "--in", "root.pem"};
    auto dry = keep;
    dry.emplace_back("--dry-run");
    CHECK(shop.succeed(dry) == "would put the certificate \"root.pem\" beside the key \"hsm:root\"\n");
    CHECK(others_see().find("Certificate Object") == std::string::npos);
    CHECK(shop.succeed(keep) == "put the certificate \"root.pem\" beside the key \"hsm:root\"\n");
    CHECK(others_see().find("ID:         a1b2") != std::string::npos);
    shop.run({"pkcs11-tool", "--module", token_module(), "--token-label", token().label(), "--read-object", "--type", "cert",
              "--id", "a1b2", "--output-file", "read.der"});
    CHECK(shop.run({"openssl", "x509", "-inform", "DER", "-in", "read.der"}) == shop.run({"openssl", "x509", "-in", "root.pem"}));
    CHECK(shop.fail(keep, 22, "already_exists").ends_with("; to remove the key's other certificates, say --replace"));
    shop.fail(dry, 22, "already_exists");
    // A renewal stands beside the old one until that is to be replaced.
    const auto count = [&] {
        const auto seen = others_see();
        std::size_t found = 0;
        for(auto at = seen.find("Certificate Object"); at != std::string::npos; at = seen.find("Certificate Object", at + 1)) {
            ++found;
        }
        return found;
    };
    shop.succeed({"ca", "create", "--key", "hsm:root", "--subject", "CN=root", "--out", "renewed.pem"});
    shop.succeed({"key", "certificate", "--key", "hsm:root", "--in", "renewed.pem"});
    CHECK(count() == 2);
    auto replace = keep;
    replace.emplace_back("--replace");
    const auto in_place = " the certificate \"root.pem\" beside the key \"hsm:root\", in place of the certificate beside it: \"CN=root\" "
                          "(serial number " + shop.succeed_json(replace).at("certificates-removed").at(0).at("serial").get<std::string>() + ")\n";
    CHECK(count() == 1);
    shop.succeed({"key", "certificate", "--key", "hsm:root", "--in", "renewed.pem"});
    auto dry_replace = replace;
    dry_replace.emplace_back("--dry-run");
    CHECK(shop.succeed_json(dry_replace).at("certificates-removed").at(0).at("pem") == shop.read("renewed.pem"));
    CHECK(shop.succeed(dry_replace) == "would put" + in_place);
    CHECK(count() == 2);
    CHECK(shop.succeed(replace) == "put" + in_place);
    CHECK(count() == 1);

    // With an import, of which nothing stays when the certificate is another key's.
    shop.run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "theirs.pem", "-subj",
              "/CN=theirs", "-days", "9"});
    const auto store = [](const std::string& certificate) {
        return std::vector<std::string>{"key", "store", "--in", "key.pem", "--label", "theirs", "--id", "c3",
                                        "--certificate", certificate, "--keep-certificate"};
    };
    shop.fail(store("root.pem"), 23, "key_mismatch");
    shop.succeed(store("theirs.pem"));
    CHECK(others_see().find("ID:         c3") != std::string::npos);
    shop.fail({"key", "certificate", "--key", "hsm:theirs", "--in", "root.pem"}, 23, "key_mismatch");
    const std::string goes = " key \"theirs\" (rsa-2048) from backend \"hsm\", and the certificate beside it: \"CN=theirs\" (serial number ";
    CHECK(shop.succeed({"key", "remove", "hsm:theirs", "--dry-run"}).starts_with("would remove" + goes));
    CHECK(shop.succeed_json({"key", "remove", "hsm:root", "--dry-run"}).at("certificates-removed").at(0).at("pem") == shop.read("root.pem"));
    CHECK(shop.succeed({"key", "remove", "hsm:theirs", "--yes"}).starts_with("removed" + goes));
    CHECK(shop.succeed_json({"key", "remove", "hsm:root", "--yes"}).at("certificates-removed").size() == 1);
    CHECK(others_see().find("Certificate Object") == std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "a token is asked whether it takes changes, by trying") {
    shop.succeed({"key", "create", "--type", "p-256", "--label", "a"});
    shop.succeed({"ca", "create", "--key", "hsm:a", "--subject", "CN=a", "--out", "a.pem"});
    const auto objects = [&] {
        return shop.run({"pkcs11-tool", "--module", token_module(), "--token-label", token().label(), "--list-objects"});
    };
    const auto before = objects();
    CHECK(shop.succeed({"key", "check", "hsm:a", "--writable"}) == "ok\n");
    CHECK(shop.succeed_json({"key", "check", "hsm:a", "--writable"}).at("writable") == true);
    CHECK(objects() == before);
    const softhsm_fixtures::FaultModule fault(token_module(), {.plan = R"({"faults": [{"fault": "read-only-token"}]})"});
    auto json = Json::parse(shop.read("keyway.json"));
    json["backends"]["hsm"]["module"] = fault.path().string();
    shop.write("keyway.json", json.dump());
    CHECK(shop.succeed({"key", "check", "hsm:a"}) == "ok\n");
    const auto told = shop.fail({"key", "check", "hsm:a", "--writable"}, 19, "token_failed");
    CHECK(told.find("CKR_TOKEN_WRITE_PROTECTED") != std::string::npos);
    CHECK(told.find("the token can only be read") != std::string::npos);
    // A certificate cannot be put there either.
    shop.fail({"key", "certificate", "--key", "hsm:a", "--in", "a.pem"}, 19, "token_failed");
    CHECK(objects() == before);
}

TEST_CASE_METHOD(TokenWorkshop, "the user of a token with several is named by a flag or by the settings") {
    const auto unknown = [&](std::vector<std::string> arguments) {
        CHECK(shop.fail(std::move(arguments), 26, "unsupported").find("knows no users by name") != std::string::npos);
    };
    unknown({"token", "login", "--user-name", "alice"});
    unknown({"token", "probe", "--repeat", "1", "--user-name", "alice"});
    auto json = Json::parse(shop.read("keyway.json"));
    json["backends"]["hsm"]["user-name"] = "alice";
    shop.write("keyway.json", json.dump());
    unknown({"token", "login"});
    unknown({"token", "probe", "--repeat", "1"});
}

TEST_CASE_METHOD(TokenWorkshop, "a token without a user PIN is not logged in to") {
    // Makes such a token as the module's other users may: initialised, and left there.
    void* const library = ::dlopen(token_module().c_str(), RTLD_NOW);
    REQUIRE(library != nullptr);
    void* const symbol = ::dlsym(library, "C_GetFunctionList");
    REQUIRE(symbol != nullptr);
    CK_FUNCTION_LIST* calls = nullptr;
    REQUIRE(reinterpret_cast<CK_C_GetFunctionList>(symbol)(&calls) == CKR_OK);
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    REQUIRE(calls->C_Initialize(&arguments) == CKR_OK);
    std::array<CK_SLOT_ID, 8> slots{};
    CK_ULONG count = slots.size();
    REQUIRE(calls->C_GetSlotList(CK_FALSE, slots.data(), &count) == CKR_OK);
    std::array<CK_UTF8CHAR, 32> label{};
    label.fill(' ');
    std::ranges::copy(std::string("half"), label.begin());
    std::array<CK_UTF8CHAR, 8> pin{'1', '2', '3', '4', '5', '6', '7', '8'};
    REQUIRE(calls->C_InitToken(slots.at(count - 1), pin.data(), pin.size(), label.data()) == CKR_OK);
    REQUIRE(calls->C_Finalize(nullptr) == CKR_OK);

    settings("half", "env:KEYWAY_TEST_PIN");
    shop.fail({"key", "list"}, 14, "pin_locked");
    CHECK(shop.succeed({"token", "list"}).find("no user PIN") != std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "a module that fails is told with its return value") {
    shop.environment["SOFTHSM2_CONF"] = "/nowhere/softhsm2.conf";
    const auto said = shop.fail({"key", "list"}, 19, "token_failed");
    CHECK(said.find("CKR_GENERAL_ERROR") != std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "a key in a token is made for what is asked and not left when that fails") {
    const auto before = shop.succeed({"key", "list"});
    shop.fail({"key", "create", "--type", "p-256", "--label", "x", "--usage", "fly"}, 10, "invalid_option");
    shop.fail({"key", "create", "--type", "p-256", "--label", "x", "--id", "zz"}, 10, "invalid_option");
    shop.write("taken", "");
    shop.fail({"key", "create", "--type", "p-256", "--label", "x", "--out", "taken"}, 22, "already_exists");
    CHECK(shop.succeed({"key", "list"}) == before);
}

TEST_CASE_METHOD(TokenWorkshop, "two backends with the same option are told apart by the alias") {
    const auto json = Json::parse(shop.read("keyway.json"));
    auto two = json;
    two["backends"]["other"] = json.at("backends").at("hsm");
    two["backends"]["other"].erase("user-pin");
    two["backends"]["hsm"].erase("user-pin");
    shop.write("keyway.json", two.dump());
    const auto pin = [](const std::string& flag) { return flag + "=env:KEYWAY_TEST_PIN"; };
    static_cast<void>(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "root",
                                    pin("--user-pin"), "--out", "root.ref"}));
    static_cast<void>(shop.succeed({"key", "create", "--backend", "other", "--type", "p-256", "--label", "ca",
                                    pin("--user-pin"), "--out", "ca.ref"}));
    shop.succeed({"ca", "create", "--key", "root.ref", "--subject", "CN=root", pin("--user-pin"), "--out",
                  "root.pem"});
    const std::vector<std::string> issue{"ca",           "create",   "--key",    "ca.ref",
                                         "--subject",    "CN=ca",    "--issuer", "root.pem",
                                         "--issuer-key", "root.ref", "--out",    "ca.pem"};
    auto ambiguous = issue;
    ambiguous.push_back(pin("--user-pin"));
    const auto said = shop.fail(ambiguous, 2, "usage");
    CHECK(said.find("--other-user-pin") != std::string::npos);
    CHECK(said.find("--hsm-user-pin") != std::string::npos);
    auto clear = issue;
    clear.insert(clear.end(), {pin("--hsm-user-pin"), pin("--other-user-pin")});
    shop.succeed(clear);

    const auto unused = shop.fail({"key", "list", "--backend", "hsm", pin("--other-user-pin")}, 2, "usage");
    CHECK(unused.find("backend \"other\", which this command does not use") != std::string::npos);
}

TEST_CASE_METHOD(TokenWorkshop, "after a wrong PIN nothing logs in unattended until a person has shown the right one") {
    shop.succeed({"key", "create", "--type", "p-256", "--label", "root"});
    shop.environment["KEYWAY_TEST_WRONG"] = "not-the-pin";
    const auto wrong = shop.fail_once({"key", "list", "--user-pin", "env:KEYWAY_TEST_WRONG"}, 13, "pin_incorrect");
    CHECK(wrong.find("keyway token login --backend hsm --user-pin SOURCE") != std::string::npos);
    const auto refused = shop.fail({"key", "list"}, 14, "pin_locked");
    CHECK(refused.find("keyway token login --backend hsm --user-pin SOURCE") != std::string::npos);
    shop.fail({"token", "login", "--user-pin", "env:KEYWAY_TEST_WRONG"}, 13, "pin_incorrect");
    shop.fail({"key", "list"}, 14, "pin_locked");
    // The one in the settings may be what was wrong: nobody has shown another by saying nothing.
    shop.fail({"token", "login"}, 14, "pin_locked");
    CHECK(shop.succeed({"token", "login", "--user-pin", "env:KEYWAY_TEST_PIN"}) ==
          "the user PIN of token \"" + token().label() + "\" is right; the token is ready\n");
    CHECK(shop.succeed_json({"key", "list"}).at("keys").size() == 1);

    const auto json = shop.succeed_json({"token", "login", "--module", token_module(), "--label", token().label(), "--user-pin",
                                         "file:" + token().user_pin_file().string()});
    CHECK(json.at("serial") == token().serial());
    shop.fail({"token", "login", "--label", "another", "--user-pin", "env:KEYWAY_TEST_PIN"}, 17, "token_not_found");
    settings(token().label(), "env:NOT_SET");
    shop.fail({"token", "login"}, 12, "secret_unavailable");
}

}  // namespace
