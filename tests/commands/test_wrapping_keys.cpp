// SPDX-License-Identifier: BSD-2-Clause
// A database under a key in a token, RSA or AES, by ALIAS:LABEL; and that key is not removed by mistake.
#include "workshop.hpp"

#include <softhsm_fixtures/catch2.hpp>

#include <catch2/catch_test_macros.hpp>

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
        json["backends"]["db"] = {{"type", "database"}, {"path", "keys.db"}, {"wrapping-key", wrapping_key}};
        json["backends"]["plain"] = {{"type", "database"},         {"path", "plain.db"},  {"passphrase", "env:KEYWAY_TEST_PASSPHRASE"},
                                     {"argon2-memory-kib", 8192}, {"argon2-passes", 1}};
        shop.write("keyway.json", json.dump());
    }
};

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
