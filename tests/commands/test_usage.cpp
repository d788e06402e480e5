// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <filesystem>

namespace {

using namespace keyway::test;

TEST_CASE("a bare keyway says what to do next") {
    const Workshop shop;
    CHECK(shop.succeed({}) == "keyway: one way to sign with keys in HSMs (PKCS#11), files and databases\n"
                              "\n"
                              "The settings are in keyway.json, with the backends db, file. Next:\n"
                              "\n"
                              "  keyway backend list          which backends they name\n"
                              "  keyway key list              the keys of the default one\n"
                              "  keyway --help                all commands\n");
    std::filesystem::remove(shop.path("keyway.json"));
    const auto text = shop.succeed({});
    CHECK(text.find("There are no settings yet.") != std::string::npos);

    // What it says works.
    const auto from = text.find("  {\"version\"") + 2;
    shop.write("keyway.json", text.substr(from, text.find('\n', from) - from));
    static_cast<void>(shop.succeed({"key", "create", "--type", "p-256", "--label", "first", "--passphrase",
                                    "env:KEYWAY_TEST_PASSPHRASE"}));
}

TEST_CASE("the version is told") {
    const Workshop shop;
    const auto text = line(shop.succeed({"--version"}));
    CHECK(text.starts_with("keyway "));
    CHECK(shop.succeed_json({"--version"}).at("version") == text.substr(7));
}

TEST_CASE("help is there in every form") {
    const Workshop shop;
    CHECK(shop.succeed({"--help"}) == shop.succeed({"help"}));
    CHECK(shop.succeed({"key", "--help"}) == shop.succeed({"help", "key"}));
    const auto text = shop.succeed({"key", "list", "--help"});
    CHECK(text == shop.succeed({"help", "key", "list"}));
    CHECK(text == shop.succeed({"key", "list", "--nonsense", "--help"}));
    CHECK(text == shop.succeed({"key", "list", "-h"}));
    CHECK(shop.succeed({"-h"}) == shop.succeed({"--help"}));
    CHECK(shop.succeed({"key", "create", "-h"})
              .starts_with("usage: keyway key create --type TYPE --label NAME"));
    CHECK(text == "usage: keyway key list [...]\n"
                  "\n"
                  "list the keys of a backend\n"
                  "\n"
                  "A key listed as LABEL can be named ALIAS:LABEL. With --json, the references\n"
                  "stand there too. AES keys that wrap the keys of a database come last, with\n"
                  "--json under \"wrapping-keys\": they have no reference.\n"
                  "\n"
                  "Flags\n"
                  "  --backend ALIAS           the backend to use (default: the one the settings\n"
                  "                            name)\n"
                  "  --type TYPE               only keys of this type, aes-256 among them; * stands\n"
                  "                            for any text\n"
                  "  --label TEXT              only keys with this label; * stands for any text\n"
                  "\n"
                  "Flags for backends of type database\n"
                  "  --passphrase SOURCE       the source of the passphrase of the database, the\n"
                  "                            same for all its keys\n"
                  "\n"
                  "Flags for backends of type file\n"
                  "  --passphrase SOURCE       the source of the passphrase that the key is\n"
                  "                            encrypted with\n"
                  "\n"
                  "  With the alias of a backend in front they are for that one: --ALIAS-user-pin.\n"
                  "  A SOURCE is env:NAME, file:PATH, fd:N or prompt:.\n"
                  "\n"
                  "Example\n"
                  "  keyway key list --backend hsm --user-pin prompt:\n"
                  "\n"
                  "keyway --help shows the flags of every command.\n");
    shop.fail({"help", "kye"}, 2, "usage");
    shop.write("keyway.json", "broken");
    CHECK(shop.succeed({"key", "list", "--help"}).find("--user-pin SOURCE") != std::string::npos);
}

TEST_CASE("help is there for programs") {
    const Workshop shop;
    const auto all = shop.succeed_json({"help"});
    CHECK(all.at("commands").size() > 20);
    CHECK(all.at("flags")[0].at("name") == "config");
    CHECK(all == shop.succeed_json({"--help"}));
    CHECK(shop.succeed_json({"help", "config"}).at("commands").size() == 3);
    const auto create = shop.succeed_json({"help", "key", "create"});
    CHECK(create.at("noun") == "key");
    CHECK(create.at("flags")[1].at("values") == Json{"ca", "ocsp", "leaf"});
    CHECK(create.at("backend-flags").at("hsm").size() > 5);
    CHECK(create == shop.succeed_json({"key", "create", "--help"}));
}

TEST_CASE("help texts fit in 80 columns") {
    const Workshop shop;
    for(const auto& words : std::vector<std::vector<std::string>>{{"key", "create"},
                                                                  {"key", "sign"},
                                                                  {"ca", "create"},
                                                                  {"cert", "issue"},
                                                                  {"crl", "issue"},
                                                                  {"token", "init"}}) {
        auto arguments = words;
        arguments.emplace_back("--help");
        const auto text = shop.succeed(arguments);
        for(std::size_t from = 0; from < text.size();) {
            const auto end = text.find('\n', from);
            CHECK(end - from <= 80);
            from = end + 1;
        }
    }
}

TEST_CASE("words and flags that do not exist") {
    const Workshop shop;
    CHECK(shop.fail({"keys", "list"}, 2, "usage") ==
          "there is no command \"keyway keys\"\ndid you mean \"key\"?");
    CHECK(shop.fail({"key", "lits"}, 2, "usage") ==
          "there is no command \"keyway key lits\"\ndid you mean \"list\"?");
    CHECK(shop.fail({"key"}, 2, "usage") == "the command \"keyway key\" wants a verb\nkeyway key --help");
    CHECK(shop.fail({"key", "list", "--bakend", "file"}, 2, "usage") ==
          "keyway key list has no flag \"--bakend\"\ndid you mean \"--backend\"?");
    CHECK(shop.fail({"key", "list", "--backend"}, 2, "usage") ==
          "--backend wants a value: --backend ALIAS\n");
    CHECK(shop.fail({"key", "list", "--backend", "--db-passphrase", "env:X"}, 2, "usage") ==
          "--backend wants a value: --backend ALIAS\n");
    CHECK(shop.fail({"key", "list", "--backend", "db", "--backend", "file"}, 2, "usage") ==
          "--backend is given more than once\n");
    CHECK(shop.fail({"key", "create", "--label", "x"}, 2, "usage").starts_with("--type is missing: "));
    CHECK(shop.fail({"key", "show"}, 2, "usage").starts_with("REF is missing: "));
    CHECK(shop.fail({"key", "remove", "file:x", "--yes=maybe"}, 2, "usage") == "--yes takes no value\n");
    CHECK(shop.fail({"key", "show", "--db-passphrase=", "file:x"}, 2, "usage") ==
          "--db-passphrase wants a value after the \"=\"\n");
    CHECK(shop.fail({"key", "list", "--user-pni", "x"}, 2, "usage") ==
          "keyway key list has no flag \"--user-pni\"\ndid you mean \"--user-pin\"?");
    CHECK(shop.fail({"key", "list", "--usr-pin", "x"}, 2, "usage") ==
          "keyway key list has no flag \"--usr-pin\"\ndid you mean \"--user-pin\"?");
    shop.fail({"key", "list", "-x"}, 2, "usage");
    shop.fail({"key", "show", "file:x", "file:y"}, 2, "usage");
    shop.fail({"key", "show", "file:x", "--", "file:y"}, 2, "usage");
    shop.fail({"--nonsense", "key", "list"}, 2, "usage");
    CHECK(shop.fail({"--cofig", "keyway.json", "key", "list"}, 2, "usage") ==
          "there is no flag \"--cofig\" for every command\ndid you mean \"--config\"?");
    const auto as_json = shop.keyway({"--json=true", "key", "lits"});
    CHECK(Json::parse(as_json.err).at("error").at("code") == "usage");
}

TEST_CASE("flags for every command may stand anywhere") {
    const Workshop shop;
    const auto list = shop.succeed({"--json", "key", "list"});
    CHECK(list == shop.succeed({"key", "--json", "list"}));
    CHECK(list == shop.succeed({"key", "list", "--json"}));
    CHECK(list == shop.succeed({"key", "--config", "keyway.json", "list", "--json"}));
}

TEST_CASE("a switch may be turned off") {
    const Workshop shop;
    static_cast<void>(
        shop.succeed({"key", "create", "--type", "p-256", "--label", "x", "--unencrypted-insecure=false"}));
    CHECK(shop.succeed_json({"key", "show", "file:x"}).at("attributes").at("encrypted") == true);
    static_cast<void>(
        shop.succeed({"key", "create", "--type", "p-256", "--label", "y", "--unencrypted-insecure"}));
    CHECK(shop.succeed_json({"key", "show", "file:y"}).at("attributes").at("encrypted") == false);
}

TEST_CASE("a secret on the command line is refused and not repeated") {
    const Workshop shop;
    const std::vector<std::vector<std::string>> commands{
        {"key", "list", "--pin", passphrase},
        {"key", "list", "--password=" + passphrase},
        {"key", "list", "--passphrase", passphrase},
        {"key", "list", "--passphrase=" + passphrase},
        {"key", "list", "--file-passphrase", passphrase},
        {"key", "list", "--user-pin", passphrase},
        {"key", "list", "--set", "file.passphrase=" + passphrase},
        {"key", "list", "--set", "file.nonsense=" + passphrase},
        {"key", "list", "--set", "file.scrypt-parallelization=" + passphrase},
        {"key", "list", "--set", passphrase},
        {"key", "list", "--json=" + passphrase},
        {"key", "list", passphrase},
        {"key", "list", "--", passphrase},
        {"key", "list", "-p", passphrase},
        {"key", "list", "-p" + passphrase},
        {"key", "list", "--" + passphrase},
        {"-p" + passphrase, "key", "list"},
        {"key", "remove", "file:x", "--yes=" + passphrase},
        {"key", "remove", "file:x", "--yes", passphrase},
        {"key", "create", "--type", "p-256", "--label", "x", "--scrypt-parallelization", passphrase},
        {"key", "create", "--type", "p-256", "--label", "x", "--extractable=" + passphrase},
        {"key", "store", "--in", "keyway.json", "--label", "x", "--passphrase", passphrase},
        {"crl", "issue", "--issuer", "x", "--issuer-key", "x", "--number", passphrase, "--out", "x"},
        {"ca", "create", "--key", "x", "--days", passphrase},
        {"token", "init", "--module", "x", "--label", "x", "--so-pin", passphrase, "--user-pin", passphrase},
        {"--pin", passphrase, "key", "list"},
        {"--passphrase=" + passphrase, "key", "list"},
    };
    for(const auto& command : commands) {
        auto arguments = command;
        const auto plain = shop.keyway(arguments);
        arguments.insert(arguments.begin(), "--json");
        const auto json = shop.keyway(arguments);
        INFO(plain.err);
        CHECK(plain.status != 0);
        CHECK(plain.status == json.status);
        CHECK((plain.out + plain.err + json.out + json.err).find(passphrase) == std::string::npos);
    }
    CHECK(shop.fail({"key", "list", "--pin", "1234"}, 2, "usage") ==
          "keyway key list has no flag \"--pin\": a secret is never given on a command line\n"
          "give its source (env:NAME, file:PATH, fd:N or prompt:) to one of: --user-pin, --passphrase, "
          "--db-passphrase, "
          "--file-passphrase");
    shop.fail({"key", "list", "--passphrase", "1234"}, 10, "invalid_option");
}

TEST_CASE("a secret in the settings is refused and not repeated") {
    const Workshop shop;
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["file"]["passphrase"] = passphrase;
    shop.write("keyway.json", settings.dump());
    shop.fail({"key", "list"}, 10, "invalid_option");
}

TEST_CASE("backends and their options are listed") {
    const Workshop shop;
    const auto list = shop.succeed_json({"backend", "list"});
    CHECK(list.at("backends") == Json::array({Json{{"alias", "db"}, {"type", "database"}, {"default", false}},
                                              Json{{"alias", "file"}, {"type", "file"}, {"default", true}}}));
    REQUIRE(list.at("types").size() == 3);
    for(const auto& type : list.at("types")) {
        const auto name = type.at("type").get<std::string>();
        const auto shown = shop.succeed_json({"backend", "show", name});
        CHECK(shown.at("type") == name);
        CHECK(shown.at("options").size() > 3);
        const auto text = shop.succeed({"backend", "show", name});
        for(const auto& option : shown.at("options")) {
            CHECK(text.find("\n" + option.at("name").get<std::string>() + "  ") != std::string::npos);
        }
    }
}

TEST_CASE("names with control characters do not reach a terminal as they are") {
    const Workshop shop;
    static_cast<void>(shop.make_key("x"));
    std::filesystem::rename(shop.path("keys/x.pem"), shop.path("keys/a\x1b[31mb.pem"));
    const auto text = shop.succeed({"key", "list"});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("a\\x1b[31mb") != std::string::npos);
    CHECK(shop.succeed_json({"key", "list"}).at("keys")[0].at("label") == "a\x1b[31mb");
}

TEST_CASE("hints say what would help") {
    const Workshop shop;
    shop.make_root("root");
    CHECK(shop.fail({"key", "list", "--js"}, 2, "usage").ends_with("\ndid you mean \"--json\"?"));
    CHECK(shop.fail({"--config", "nowhere.json", "key", "list"}, 27, "storage_failed").find("\nit is named by --config: mend the name") !=
          std::string::npos);
    const auto crl = [&](const std::string& flag, const std::string& value) -> std::vector<std::string> {
        return {"crl", "issue", "--issuer", "root.pem", "--issuer-key", "file:root", "--number", "1", "--out", "-", flag, value};
    };
    CHECK(shop.fail(crl("--revoke", "zz"), 11, "invalid_argument")
              .starts_with("--revoke \"zz\" does not begin with a serial number in hexadecimal\n"));
    CHECK(shop.fail(crl("--revoke-certificate", "root.pem:foo"), 11, "invalid_argument").starts_with("unknown revocation reason \"foo\"\n"));
    CHECK(shop.fail(crl("--revoke-certificate", "nowhere.pem:foo"), 27, "storage_failed").starts_with("cannot read \"nowhere.pem:foo\": "));
    const auto quirks = shop.fail({"token", "quirks", "nope"}, 10, "invalid_option");
    CHECK(quirks.find("\nknown here: aws-cloudhsm, ") != std::string::npos);
    CHECK(quirks.find("\"none\"") == std::string::npos);
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["db"]["timeout"] = -1;
    shop.write("negative.json", settings.dump());
    const auto checked = shop.keyway({"--config", "negative.json", "config", "check"});
    CHECK(checked.status == 10);
    CHECK(checked.err.find("is not a number of 0 or more\n") != std::string::npos);
}

}  // namespace
