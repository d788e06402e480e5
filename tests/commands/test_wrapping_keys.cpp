// SPDX-License-Identifier: BSD-2-Clause
// A database under a key in a token, RSA or AES, by ALIAS:LABEL; and that key is not removed by mistake.
#include "workshop.hpp"

#include <softhsm_fixtures/catch2.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

namespace {

using namespace keyway::test;

/// A workshop with a token "hsm", a database "db" under a key of it, and one "plain" under a passphrase.
struct WrappingWorkshop : softhsm_fixtures::SoftHsmFixture {
    Workshop shop;

    explicit WrappingWorkshop(const std::string& wrapping_key) {
        shop.environment["KEYWAY_TEST_PIN"] = token().user_pin();
        Json json{{"version", 1}};
        json["backends"]["hsm"] = {{"type", "hsm"},
                                   {"module", token().module_path().string()},
                                   {"token-label", token().label()},
                                   {"user-pin", "env:KEYWAY_TEST_PIN"}};
        json["backends"]["same"] = json["backends"]["hsm"];
        json["backends"]["same"].erase("token-label");
        json["backends"]["same"]["token-serial"] = token().serial();
        json["backends"]["db"] = {{"type", "database"}, {"path", "keys.db"}, {"wrapping-key", wrapping_key}};
        json["backends"]["plain"] = {{"type", "database"},         {"path", "plain.db"},  {"passphrase", "env:KEYWAY_TEST_PASSPHRASE"},
                                     {"argon2-memory-kib", 8192}, {"argon2-passes", 1}};
        shop.write("keyway.json", json.dump());
    }

    void set_wrapping_key(const std::string& name) const {
        auto json = Json::parse(shop.read("keyway.json"));
        json["backends"]["db"]["wrapping-key"] = name;
        shop.write("keyway.json", json.dump());
    }

    /// Another program, which looks for no label that is taken.
    void put_aes_key(const std::string& label, const std::string& id) {
        shop.run({"pkcs11-tool", "--module", token().module_path().string(), "--token-label", token().label(), "--login", "--pin",
                  "env:KEYWAY_TEST_PIN", "--keygen", "--key-type", "AES:32", "--label", label, "--id", id, "--private", "--sensitive", "--usage-wrap"});
    }
};

const std::vector<std::string> make_kek{"key", "create", "--backend", "hsm", "--type", "aes-256", "--label", "kek"};

}  // namespace

TEST_CASE("an AES key is made in a token, and opens a database") {
    const WrappingWorkshop world("hsm:kek");
    const auto& shop = world.shop;
    const std::vector<std::string> create{"key", "create", "--backend", "hsm", "--type", "aes-256", "--label", "kek"};
    auto dry = create;
    dry.emplace_back("--dry-run");
    CHECK(shop.succeed(dry) == "would create AES key \"kek\" in backend \"hsm\"\n");
    CHECK(shop.succeed(create) == "hsm:kek\n");
    shop.fail(create, 22, "already_exists");
    shop.fail(dry, 22, "already_exists");
    CHECK(shop.succeed_json({"key", "create", "--backend", "hsm", "--type", "aes-256", "--label", "k2"}) ==
          Json{{"type", "aes-256"}, {"backend", "hsm"}, {"label", "k2"}, {"name", "hsm:k2"}});
    shop.fail({"key", "create", "--backend", "plain", "--type", "aes-256", "--label", "k"}, 26, "unsupported");
    shop.fail({"key", "create", "--backend", "hsm", "--type", "aes-256"}, 10, "invalid_option");
    // The names of other keys are theirs, and are none for an AES key either.
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "pair"});
    for(const std::string label : {"", "a\nb", "\x1b[31m", "pair"}) {
        INFO(label);
        for(const bool is_dry : {false, true}) {
            auto wrong = is_dry ? dry : create;
            *std::ranges::find(wrong, "kek") = label;
            if(label == "pair") {
                shop.fail(wrong, 22, "already_exists");
            } else {
                shop.fail(wrong, 10, "invalid_option");
            }
        }
    }
    shop.fail({"key", "remove", "hsm:", "--yes"}, 2, "usage");
    shop.fail({"key", "create", "--backend", "hsm", "--type", "aes-256", "--label", "k", "--out", "f"}, 2, "usage");

    static_cast<void>(shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"}));
    static_cast<void>(shop.succeed({"key", "check", "db:a"}));
    static_cast<void>(shop.succeed({"key", "create", "--backend", "plain", "--type", "p-256", "--label", "b"}));
    CHECK(shop.succeed({"key", "rewrap", "--backend", "plain", "--new-wrapping-key", "hsm:k2"}).find("\"hsm:k2\"") != std::string::npos);
    CHECK(shop.fail({"key", "rewrap", "--backend", "db", "--new-wrapping-key", "hsm:k3", "--dry-run"}, 20, "key_not_found")
              .starts_with("the wrapping key \"hsm:k3\" of the database "));
    // Nothing is lost by a name that was mistyped.
    CHECK(shop.fail({"key", "rewrap", "--backend", "db", "--new-wrapping-key", "hsm:k3"}, 20, "key_not_found")
              .ends_with("; nothing was put under it"));
}

TEST_CASE("a key that opens a database is removed by force only") {
    for(const bool by_reference : {false, true}) {
        const WrappingWorkshop world(by_reference ? "wrap.ref" : "hsm:wrap");
        const auto& shop = world.shop;
        static_cast<void>(shop.succeed({"key", "create", "--backend", "hsm", "--type", "rsa-2048", "--label", "wrap", "--usage",
                                        "sign,decrypt", "--out", "wrap.ref"}));
        static_cast<void>(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "other"}));
        static_cast<void>(shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"}));
        for(const std::vector<std::string>& arguments : {std::vector<std::string>{"key", "remove", "hsm:wrap", "--yes"},
                                                         {"key", "remove", "wrap.ref", "--yes"},
                                                         {"key", "remove", "hsm:wrap", "--dry-run"}}) {
            CHECK(shop.fail(arguments, 2, "usage")
                      .starts_with("the key \"wrap\" is the wrapping key of \"db\": without it no key there can be opened\n"));
        }
        shop.fail({"key", "migrate", "hsm:wrap", "plain:wrap", "--remove-source", "--yes"}, 2, "usage");
        static_cast<void>(shop.succeed({"key", "check", "db:a"}));
        static_cast<void>(shop.succeed({"key", "remove", "hsm:other", "--yes"}));
        static_cast<void>(shop.succeed({"key", "remove", "hsm:wrap", "--yes", "--force"}));
        CHECK(shop.fail({"key", "check", "db:a"}, 20, "key_not_found").find("the wrapping key \"hsm:wrap\"") != std::string::npos);
    }
}

TEST_CASE("the key that a database was just put under is kept, though the settings still name the one before") {
    WrappingWorkshop world("hsm:kek");
    const auto& shop = world.shop;
    shop.succeed(make_kek);
    auto next = make_kek;
    next.back() = "next";
    shop.succeed(next);
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "rsa-2048", "--label", "rsa", "--usage", "sign,decrypt"});
    shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"});
    for(const std::string now : {"next", "rsa"}) {
        shop.succeed({"key", "rewrap", "--backend", "db", "--new-wrapping-key", "hsm:" + now});
        CHECK(shop.fail({"key", "remove", "hsm:" + now, "--yes"}, 2, "usage")
                  .starts_with("the key \"" + now + "\" is the wrapping key of \"db\": without it no key there can be opened\n"));
        world.set_wrapping_key("hsm:" + now);
        shop.succeed({"key", "check", "db:a"});
    }
    shop.succeed({"key", "remove", "hsm:next", "--yes"});
    shop.succeed({"key", "check", "db:a"});
}

TEST_CASE("AES keys are listed with what they are for, and are no keys to sign with") {
    WrappingWorkshop world("hsm:kek");
    const auto& shop = world.shop;
    CHECK(shop.succeed_json({"key", "list", "--backend", "hsm"}) ==
          Json{{"backend", "hsm"}, {"keys", Json::array()}, {"faults", Json::array()}, {"wrapping-keys", Json::array()}});
    shop.succeed(make_kek);
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "a"});
    const auto json = shop.succeed_json({"key", "list", "--backend", "hsm"});
    CHECK(json.at("keys").size() == 1);
    REQUIRE(json.at("wrapping-keys").size() == 1);
    auto kek = json.at("wrapping-keys")[0];
    const auto id = kek.at("attributes").at("id").get<std::string>();
    CHECK(id.size() == 40);
    CHECK(kek == Json{{"name", "hsm:kek"},
                      {"type", "aes-256"},
                      {"purpose", "wrapping"},
                      {"backend", "hsm"},
                      {"label", "kek"},
                      {"attributes", {{"id", id}, {"token", world.token().label()}, {"sensitive", true}, {"extractable", false}}}});
    const auto text = shop.succeed({"key", "list", "--backend", "hsm"});
    CHECK(text.find("kek    aes-256  " + id + "  none: it wraps other keys\n") != std::string::npos);

    const auto listed = [&](const std::vector<std::string>& filter) {
        std::vector<std::string> arguments{"key", "list", "--backend", "hsm"};
        arguments.insert(arguments.end(), filter.begin(), filter.end());
        const auto found = shop.succeed_json(arguments);
        return std::to_string(found.at("keys").size()) + " " + std::to_string(found.at("wrapping-keys").size());
    };
    CHECK(listed({"--type", "aes-256"}) == "0 1");
    CHECK(listed({"--type", "aes"}) == "0 1");
    CHECK(listed({"--type", "p-256"}) == "1 0");
    CHECK(listed({"--label", "k*"}) == "0 1");
    CHECK(listed({"--label", "x"}) == "0 0");
    CHECK(shop.succeed({"key", "list", "--backend", "hsm", "--type", "aes"}).starts_with("LABEL"));
    shop.fail({"key", "list", "--backend", "hsm", "--type", "aes-512"}, 26, "unsupported");

    shop.write("text", "what is signed");
    CHECK(shop.fail({"key", "sign", "hsm:kek", "--in", "text"}, 26, "unsupported")
              .starts_with("the key \"kek\" in backend \"hsm\" is an AES key, which wraps other keys and does nothing else\n"));
    shop.fail({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "kek"}, 22, "already_exists");
    auto taken = make_kek;
    taken.back() = "a";
    shop.fail(taken, 22, "already_exists");
}

TEST_CASE("an AES key is removed by its name, but one that opens a database by force only, under whichever alias") {
    for(const std::string named : {"hsm:kek", "same:kek"}) {
        INFO(named);
        WrappingWorkshop world(named);
        const auto& shop = world.shop;
        shop.succeed(make_kek);
        shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"});
        for(const std::string by : {"hsm:kek", "same:kek"}) {
            for(const std::string how : {"--yes", "--dry-run"}) {
                CHECK(shop.fail({"key", "remove", by, how}, 2, "usage")
                          .starts_with("the key \"kek\" is the wrapping key of \"db\": without it no key there can be opened\n"));
            }
        }
        CHECK(shop.succeed({"key", "remove", "hsm:kek", "--dry-run", "--force"}) ==
              "would remove AES key \"kek\" (aes-256) from backend \"hsm\", and with it all keys of \"db\", which are under it\n");
        shop.succeed({"key", "check", "db:a"});
        auto other = make_kek;
        other.back() = "other";
        shop.succeed(other);
        CHECK(shop.succeed({"key", "remove", "hsm:other", "--yes"}) == "removed AES key \"other\" (aes-256) from backend \"hsm\"\n");
        const auto removed = shop.succeed_json({"key", "remove", "same:kek", "--yes", "--force"});
        CHECK(removed.at("removed") == true);
        CHECK(removed.at("name") == "same:kek");
        CHECK(shop.succeed_json({"key", "list", "--backend", "hsm"}).at("wrapping-keys").empty());
        shop.fail({"key", "check", "db:a"}, 20, "key_not_found");
        shop.fail({"key", "remove", "hsm:kek", "--yes"}, 20, "key_not_found");
    }
}

TEST_CASE("of an AES key and a key pair of one label, each is removed as what it is") {
    WrappingWorkshop world("hsm:kek");
    const auto& shop = world.shop;
    const auto pair = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "kek"}));
    world.put_aes_key("kek", "a1");
    world.put_aes_key("kek", "b2");
    const auto keys = shop.succeed_json({"key", "list", "--backend", "hsm"}).at("wrapping-keys");
    REQUIRE(keys.size() == 2);
    const std::string id = "a1";
    shop.fail({"key", "remove", "hsm:kek", "--yes", "--force"}, 21, "key_ambiguous");
    shop.fail({"key", "remove", "hsm:kek", "--id", "77", "--yes", "--force"}, 20, "key_not_found");
    shop.fail({"key", "remove", pair, "--id", id, "--yes"}, 2, "usage");
    // The pair cannot wrap, so that it is not the one that the settings name.
    shop.succeed({"key", "remove", pair, "--yes"});
    shop.fail({"key", "remove", "hsm:kek", "--yes", "--force"}, 21, "key_ambiguous");
    shop.fail({"key", "remove", "hsm:kek", "--id", id, "--yes"}, 2, "usage");
    shop.succeed({"key", "remove", "hsm:kek", "--id", id, "--yes", "--force"});
    const auto left = shop.succeed_json({"key", "list", "--backend", "hsm"}).at("wrapping-keys");
    REQUIRE(left.size() == 1);
    CHECK(left[0] == keys[1]);
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "b"});
    world.put_aes_key("b", "c3");
    CHECK(shop.fail({"key", "remove", "hsm:b", "--yes"}, 21, "key_ambiguous").starts_with("there are an AES key and a key pair"));
}

TEST_CASE("an RSA key that opens a database is kept under another alias, by its reference, and where the name cannot be read") {
    WrappingWorkshop world("wrap.ref");
    const auto& shop = world.shop;
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "rsa-2048", "--label", "wrap", "--usage", "sign,decrypt", "--extractable",
                  "--out", "wrap.ref"});
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "curve"});
    shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"});
    for(const std::string by : {"hsm:wrap", "same:wrap", "wrap.ref"}) {
        shop.fail({"key", "remove", by, "--yes"}, 2, "usage");
        shop.fail({"key", "migrate", by, "plain:moved", "--remove-source", "--yes"}, 2, "usage");
    }
    const auto text = shop.read("wrap.ref");
    shop.write("wrap.ref", "keyway:1?");
    CHECK(shop.fail({"key", "remove", "hsm:wrap", "--yes"}, 2, "usage")
              .starts_with("whether the key \"wrap\" is the wrapping key of backend \"db\" cannot be told: "));
    shop.fail({"key", "migrate", "hsm:wrap", "plain:moved", "--remove-source", "--yes"}, 2, "usage");
    // What cannot wrap needs no look.
    shop.succeed({"key", "remove", "hsm:curve", "--yes"});
    shop.write("wrap.ref", text);
    shop.succeed({"key", "check", "db:a"});
    // The same key in another store is another one.
    shop.run({"openssl", "genrsa", "-out", "in.pem", "2048"});
    shop.succeed({"key", "store", "--in", "in.pem", "--backend", "plain", "--label", "copy"});
    auto json = Json::parse(shop.read("keyway.json"));
    json["backends"]["db"]["wrapping-key"] = "hsm:copy";
    shop.write("keyway.json", json.dump());
    shop.succeed({"key", "remove", "plain:copy", "--yes"});
    // What the database is under it is, whatever the settings say.
    shop.fail({"key", "remove", "hsm:wrap", "--yes"}, 2, "usage");
    shop.succeed({"key", "remove", "hsm:wrap", "--yes", "--force"});
}

TEST_CASE("config check looks at the wrapping key of a database that is not there yet") {
    WrappingWorkshop world("hsm:kek");
    const auto& shop = world.shop;
    const auto checked = [&](const std::string& name, const std::vector<std::string>& more, int status) {
        std::vector<std::string> arguments{"--json", "--set", "db.wrapping-key=" + name, "config", "check"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const auto result = shop.keyway(arguments);
        INFO(result.out << result.err);
        CHECK(result.status == status);
        const auto json = Json::parse(result.out);
        std::string faults;
        for(const auto& backend : json.at("backends")) {
            for(const auto& fault : backend.at("faults")) {
                faults += fault.at("message").get<std::string>() + "\n";
            }
        }
        return faults;
    };
    CHECK(checked("hsm:kek", {}, 0).empty());
    CHECK(checked("hsn:kek", {}, 16) == "the wrapping key of backend \"db\": there is no backend \"hsn\" in the settings\n");
    CHECK(checked("db:kek", {}, 10).starts_with("the wrapping key of backend \"db\": "));
    CHECK(checked("missing.ref", {}, 27).starts_with("the wrapping key of backend \"db\": "));
    CHECK(checked("hsm:kek", {"--open"}, 20) ==
          "the wrapping key \"hsm:kek\" of backend \"db\" cannot be used: there is no key \"kek\" in backend \"hsm\"\n");
    shop.succeed(make_kek);
    CHECK(checked("hsm:kek", {"--open"}, 0).empty());
}

TEST_CASE("after a rewrap to a passphrase, settings that still name the wrapping key are told what to change") {
    WrappingWorkshop world("hsm:kek");
    const auto& shop = world.shop;
    shop.succeed(make_kek);
    shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"});
    shop.succeed({"key", "rewrap", "--backend", "db", "--new-passphrase", "env:KEYWAY_TEST_PASSPHRASE"});
    const auto told = shop.fail({"key", "check", "db:a"}, 12, "secret_unavailable");
    CHECK(told.find("are under a passphrase, not under the key that \"wrapping-key\" names") != std::string::npos);
    CHECK(told.find("take \"wrapping-key\" out of them") != std::string::npos);
}

TEST_CASE("a folder or database under another alias is the same store, another one is not") {
    const WrappingWorkshop world("files:wrap");
    const auto& shop = world.shop;
    auto json = Json::parse(shop.read("keyway.json"));
    const auto add = [&](const std::string& alias, const std::string& type, const std::string& path) {
        json["backends"][alias] = Json{{"type", type}, {"path", path}, {"passphrase", "env:KEYWAY_TEST_PASSPHRASE"}};
    };
    add("files", "file", "keys");
    add("same-files", "file", "./keys/../keys");
    add("other-files", "file", "others");
    add("same-plain", "database", "./plain.db");
    add("other-plain", "database", "other.db");
    json["backends"]["db2"] = Json{{"type", "database"}, {"path", "2.db"}, {"wrapping-key", "plain:wrap"}};
    shop.write("keyway.json", json.dump());
    for(const std::string alias : {"files", "other-files", "plain", "other-plain"}) {
        shop.succeed({"key", "create", "--backend", alias, "--type", "rsa-2048", "--label", "wrap"});
    }
    for(const std::string named : {"files:wrap", "same-files:wrap", "plain:wrap", "same-plain:wrap"}) {
        INFO(named);
        shop.fail({"key", "remove", named, "--yes"}, 2, "usage");
    }
    shop.succeed({"key", "remove", "other-files:wrap", "--yes"});
    shop.succeed({"key", "remove", "other-plain:wrap", "--yes"});
}
