// SPDX-License-Identifier: BSD-2-Clause
#include "token_workshop.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <filesystem>
#include <set>

namespace {

using namespace keyway::test;

struct MovingWorkshop : WorkshopWithToken {
    /// OpenSSL on both signatures of a receipt.
    void verify(const Json& receipt) const {
        CHECK(receipt.at("statement").get<std::string>().find("\nchallenge " + receipt.at("challenge").get<std::string>() + "\n") !=
              std::string::npos);
        shop.write("statement", receipt.at("statement").get<std::string>());
        shop.write("public.pem", receipt.at("public-key").get<std::string>());
        for(const auto* const signature : {"signature-of-old", "signature-of-new"}) {
            shop.write("base64", receipt.at(signature).get<std::string>() + "\n");
            shop.run({"openssl", "base64", "-d", "-A", "-in", "base64", "-out", "signature"});
            if(receipt.at("type") == "ed25519") {
                shop.run({"openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "public.pem", "-in", "statement",
                          "-sigfile", "signature"});
            } else {
                shop.run({"openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "statement"});
            }
        }
        CHECK(shop.run({"sh", "-c", "openssl pkey -pubin -in public.pem -outform DER | openssl dgst -sha256 -r"})
                  .starts_with(receipt.at("spki-sha256").get<std::string>()));
    }
};

std::string labels(const Workshop& shop, const std::string& alias) {
    std::string out;
    const auto listing = shop.succeed_json({"key", "list", "--backend", alias});
    for(const auto& key : listing.at("keys")) {
        out += key.at("label").get<std::string>() + " ";
    }
    return out;
}

TEST_CASE_METHOD(MovingWorkshop, "a key moves between any two backends that can, and both keys prove it") {
    const auto [from, to] = GENERATE(table<std::string, std::string>(
        {{"file", "db"}, {"db", "file"}, {"file", "hsm"}, {"db", "hsm"}, {"file", "file"}}));
    const std::string type = GENERATE("p-256", "rsa-2048", "ed25519");
    INFO(from << " to " << to << ": " << type);
    const auto old = line(shop.succeed({"key", "create", "--backend", from, "--type", type, "--label", "old"}));
    const auto said = shop.succeed_json({"key", "migrate", from + ":old", to + ":new", "--receipt", "receipt.json"});
    CHECK(said.at("backend") == to);
    CHECK(said.at("label") == "new");
    CHECK(said.at("receipt-file") == "receipt.json");
    CHECK(said.at("source-removed") == false);
    const auto receipt = Json::parse(shop.read("receipt.json"));
    CHECK(receipt == said.at("receipt"));
    CHECK(receipt.at("keyway-migration") == 1);
    CHECK(receipt.at("how") == "import");
    CHECK(receipt.at("from") == old);
    CHECK(receipt.at("to") == said.at("reference"));
    CHECK(shop.read("receipt.json").find(token().user_pin()) == std::string::npos);
    verify(receipt);
    CHECK(shop.succeed({"key", "check", receipt.at("to").get<std::string>()}) == "ok\n");
    CHECK(shop.succeed({"key", "check", old}) == "ok\n");
}

TEST_CASE_METHOD(MovingWorkshop, "the old key goes only when asked for, and only with a yes") {
    const auto old = shop.make_key("old");
    const auto before = shop.snapshot();
    shop.fail({"key", "migrate", "file:old", "db:new", "--remove-source"}, 2, "usage");
    CHECK(shop.snapshot() == before);
    const auto said = shop.succeed_json({"key", "migrate", old, "db:new", "--remove-source", "--yes"});
    CHECK(said.at("source-removed") == true);
    shop.fail({"key", "check", old}, 20, "key_not_found");
    CHECK(shop.succeed({"key", "check", "db:new"}) == "ok\n");
    // Without a name of its own, the receipt has one by the key and the time.
    const auto name = said.at("receipt-file").get<std::string>();
    CHECK(name.starts_with("migration-" + said.at("spki-sha256").get<std::string>().substr(0, 16) + "-20"));
    verify(Json::parse(shop.read(name)));
}

TEST_CASE_METHOD(MovingWorkshop, "a key that may not leave its token says why, and what can be done") {
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "fixed"});
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "loose", "--extractable"});
    const auto before = shop.snapshot();
    const auto fixed = shop.fail({"key", "migrate", "hsm:fixed", "file:new"}, 26, "unsupported");
    CHECK(fixed.find("CKA_EXTRACTABLE is false") != std::string::npos);
    CHECK(fixed.find("make a new key in backend \"file\" and have it certified") != std::string::npos);
    CHECK(fixed.find("--extractable") == std::string::npos);  // which would not help
    CHECK(shop.fail({"key", "migrate", "hsm:loose", "file:new", "--extractable"}, 10, "invalid_option") ==
          "the option \"extractable\" of backend \"hsm\" does not belong in use (--extractable)\nit belongs in: create, store; what the new "
          "key is to be goes with the alias of its backend in front: --file-NAME; `keyway backend show file` lists what it takes (store)");
    shop.fail({"key", "migrate", "hsm:fixed", "file:new", "--dry-run"}, 26, "unsupported");
    // What SoftHSM gives to nobody, though it may leave.
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "ed25519", "--label", "edwards", "--extractable"});
    CHECK(shop.fail({"key", "migrate", "hsm:edwards", "file:new"}, 26, "unsupported").find("wraps no key of this kind") != std::string::npos);
    CHECK(shop.snapshot() == before);
}

TEST_CASE_METHOD(MovingWorkshop, "an extractable key comes out of its token into a file and a database, proven") {
    for(const std::string type : {"p-256", "rsa-2048"}) {
        INFO(type);
        const auto old = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", type, "--label", type, "--extractable"}));
        shop.succeed({"key", "migrate", old, "file:" + type, "--dry-run"});
        const auto receipt = shop.succeed_json({"key", "migrate", old, "file:" + type}).at("receipt");
        CHECK(receipt.at("how") == "import");
        CHECK(receipt.at("from") == old);
        verify(receipt);
        const auto of_file = shop.run({"openssl", "pkey", "-in", "keys/" + type + ".pem", "-passin", "env:KEYWAY_TEST_PASSPHRASE", "-pubout"});
        CHECK(of_file == receipt.at("public-key").get<std::string>());
        const auto in_database = shop.succeed_json({"key", "migrate", "hsm:" + type, "db:" + type, "--remove-source", "--yes"});
        verify(in_database.at("receipt"));
        CHECK(shop.succeed({"key", "check", "db:" + type}) == "ok\n");
        shop.fail({"key", "check", old}, 20, "key_not_found");
    }
    CHECK(labels(shop, "hsm").empty());
}

TEST_CASE_METHOD(MovingWorkshop, "a key goes from token to token encrypted, where the two can do it") {
    add_second_token();
    for(const std::string type : {"p-256", "rsa-3072"}) {
        INFO(type);
        const auto old = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", type, "--label", type, "--extractable"}));
        CHECK(shop.succeed({"key", "migrate", old, "hsm2:" + type, "--dry-run"}) ==
              "would move key \"" + type + "\" (" + type + ") from backend \"hsm\" to backend \"hsm2\" as \"" + type + "\"\n");
        CHECK(labels(shop, "hsm2").find(type) == std::string::npos);
        const auto said = shop.succeed_json({"key", "migrate", old, "hsm2:" + type, "--receipt", type + ".json", "--remove-source", "--yes"});
        CHECK(said.at("source-removed") == true);
        const auto receipt = Json::parse(shop.read(type + ".json"));
        CHECK(receipt.at("how") == "wrapped");
        CHECK(receipt.at("from") == old);
        verify(receipt);
        CHECK(shop.succeed({"key", "check", receipt.at("to").get<std::string>()}) == "ok\n");
        shop.fail({"key", "check", old}, 20, "key_not_found");
    }
    CHECK(labels(shop, "hsm").empty());
    // What may not leave, and what SoftHSM does not wrap.
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "fixed"});
    for(const auto* const dry : {"--dry-run", "--remove-source"}) {
        CHECK(shop.fail({"key", "migrate", "hsm:fixed", "hsm2:fixed", dry, "--yes"}, 26, "unsupported").find("CKA_EXTRACTABLE is false") !=
              std::string::npos);
    }
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "ed25519", "--label", "edwards", "--extractable"});
    for(const auto* const dry : {"--dry-run", "--remove-source"}) {
        CHECK(shop.fail({"key", "migrate", "hsm:edwards", "hsm2:edwards", dry, "--yes"}, 26, "unsupported").find("wraps no key of this kind") !=
              std::string::npos);
    }
    CHECK(labels(shop, "hsm2") == "p-256 rsa-3072 ");
    CHECK(labels(shop, "hsm") == "edwards fixed ");
}

TEST_CASE_METHOD(MovingWorkshop, "certificates that go with the old key are named, before and after") {
    add_second_token();
    const auto old = make_certified_key("old");
    const auto goes = "the old key in backend \"hsm\", and the certificate beside it: " + told("old");
    const auto dry = shop.succeed_json({"key", "migrate", old, "hsm2:new", "--remove-source", "--dry-run"});
    CHECK(dry.at("certificates-removed").at(0).at("pem") == shop.read("old.pem"));
    CHECK(shop.succeed({"key", "migrate", old, "hsm2:new", "--remove-source", "--dry-run"}) ==
          "would move key \"old\" (p-256) from backend \"hsm\" to backend \"hsm2\" as \"new\"; then would remove " + goes + "\n");
    // Without the removal, nothing goes.
    CHECK(shop.succeed_json({"key", "migrate", old, "hsm2:first"}).at("certificates-removed").empty());
    shop.succeed({"key", "remove", "hsm2:first", "--yes"});
    const auto moved = shop.keyway({"key", "migrate", old, "hsm2:new", "--remove-source", "--yes", "--receipt", "r.json"});
    CHECK(moved.status == 0);
    CHECK(moved.err == "keyway: warning: removed " + goes + "\n");
    CHECK(line(moved.out).starts_with("keyway:1?"));
}

TEST_CASE_METHOD(MovingWorkshop, "a key that cannot sign moves with another proof") {
    for(const std::string type : {"x25519", "x448"}) {
        INFO(type);
        const auto old = line(shop.succeed({"key", "create", "--backend", "file", "--type", type, "--label", type}));
        shop.succeed({"key", "migrate", old, "db:" + type, "--dry-run"});
        const auto receipt = shop.succeed_json({"key", "migrate", old, "db:" + type}).at("receipt");
        CHECK(receipt.at("proof") == "agreement");
        CHECK(receipt.at("type") == type);
        CHECK(shop.succeed({"key", "check", receipt.at("to").get<std::string>()}) == "ok\n");
    }
    const auto told = shop.fail({"key", "migrate", "file:x25519", "hsm:new"}, 26, "unsupported");
    CHECK(told.find("cannot hold a key of type \"x25519\"") != std::string::npos);
}

TEST_CASE_METHOD(MovingWorkshop, "a key that is moved often in one second has a receipt of each move") {
    const auto old = line(shop.succeed({"key", "create", "--backend", "file", "--type", "p-256", "--label", "old"}));
    std::set<std::string> receipts;
    for(const std::string label : {"a", "b", "c", "d"}) {
        receipts.insert(shop.succeed_json({"key", "migrate", old, "db:" + label}).at("receipt-file").get<std::string>());
    }
    CHECK(receipts.size() == 4);
    for(const auto& receipt : receipts) {
        CHECK(Json::parse(shop.read(receipt)).at("from") == old);
    }
}

TEST_CASE_METHOD(MovingWorkshop, "a dry run looks at everything and changes nothing") {
    shop.write("keyway.ref", shop.make_key("old"));
    shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "taken"});
    const auto before = shop.snapshot();
    CHECK(shop.succeed({"key", "migrate", "file:old", "hsm:new", "--dry-run"}) ==
          "would move key \"old\" (p-256) from backend \"file\" to backend \"hsm\" as \"new\"\n");
    CHECK(shop.succeed({"key", "migrate", "keyway.ref", "hsm:new", "--dry-run", "--remove-source"}) ==
          "would move key \"old\" (p-256) from backend \"file\" to backend \"hsm\" as \"new\"; then would remove the old key in backend "
          "\"file\"\n");
    CHECK(shop.succeed_json({"key", "migrate", "file:old", "db:new", "--dry-run"}) == Json{{"dry-run", true},
                                                                                           {"backend", "db"},
                                                                                           {"type", "p-256"},
                                                                                           {"label", "new"},
                                                                                           {"from", "file"},
                                                                                           {"from-label", "old"},
                                                                                           {"how", "import"},
                                                                                           {"source-removed", false},
                                                                                           {"certificates-removed", Json::array()}});
    shop.fail({"key", "migrate", "file:old", "db:taken", "--dry-run"}, 22, "already_exists");
    shop.fail({"key", "migrate", "file:gone", "db:new", "--dry-run"}, 20, "key_not_found");
    CHECK(shop.snapshot() == before);
}

TEST_CASE_METHOD(MovingWorkshop, "the reference of the moved key is written where asked, and what a backend cannot hold is told") {
    shop.make_key("old");
    const auto ref = line(shop.succeed({"key", "migrate", "file:old", "db:new", "--out", "new.ref"}));
    CHECK(shop.read("new.ref") == ref + "\n");
    CHECK(shop.succeed({"key", "check", "new.ref"}) == "ok\n");
    // Found before anything is moved.
    shop.fail({"key", "migrate", "file:old", "db:newer", "--out", "new.ref"}, 22, "already_exists");
    shop.fail({"key", "migrate", "file:old", "db:newer", "--out", "same", "--receipt", "./same"}, 2, "usage");
    CHECK(shop.succeed_json({"key", "list", "--backend", "db"}).at("keys").size() == 1);

    shop.succeed({"key", "create", "--type", "ml-dsa-44", "--label", "pqc"});
    const auto told = shop.fail({"key", "migrate", "file:pqc", "hsm:pqc"}, 26, "unsupported");
    CHECK(told.find("\nit offers: p-192, ") != std::string::npos);
    CHECK(told.ends_with("; move it to another backend, or make a new key there"));
}

TEST_CASE_METHOD(MovingWorkshop, "what fails leaves no key in the new place, and no receipt") {
    const auto old = shop.make_key("old");
    shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "taken"});
    shop.write("receipt.json", "another");
    const auto before = shop.snapshot();
    shop.fail({"key", "migrate", old, "db:taken"}, 22, "already_exists");
    const auto said = shop.fail({"key", "migrate", old, "db:new", "--receipt", "receipt.json"}, 22, "already_exists");
    CHECK(said.find("no receipt is ever replaced") != std::string::npos);
    shop.fail({"key", "migrate", old, "db:new", "--receipt", "nowhere/receipt.json"}, 27, "storage_failed");
    shop.fail({"key", "migrate", old, "db:new", "--receipt", "-"}, 2, "usage");
    shop.fail({"key", "migrate", old, old}, 2, "usage");
    CHECK(shop.fail({"key", "migrate", old, "s1"}, 2, "usage") ==
          "the second argument, \"s1\", names no backend\ngive ALIAS:LABEL, the backend and the new key's label; backends: db, file, "
          "hsm");
    shop.fail({"key", "migrate", old}, 2, "usage");
    shop.fail({"key", "migrate", old, "nowhere:new"}, 16, "backend_not_found");
    CHECK(shop.fail({"key", "migrate", old, "db:new", "--db-label", "other"}, 2, "usage") ==
          "the new key's label is given twice: as \"new\" behind the colon, and by --db-label\nleave --db-label out");
    shop.fail({"key", "migrate", old, "db:"}, 2, "usage");
    CHECK(shop.snapshot() == before);
    CHECK(labels(shop, "db") == "taken ");
}

TEST_CASE_METHOD(MovingWorkshop, "where only the removal of the old key fails, the error has both references") {
    const auto old = line(shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "old"}));
    shop.run({"python3", "-c",
              "import sqlite3; c = sqlite3.connect('keys.db'); c.execute(\"create trigger kept before delete on signing_key begin "
              "select raise(abort, 'kept'); end\"); c.commit()"});
    const auto result = shop.keyway({"--json", "key", "migrate", old, "file:new", "--receipt", "r.json", "--remove-source", "--yes"});
    INFO(result.err);
    CHECK(result.status == 27);
    CHECK(result.out.empty());
    const auto error = Json::parse(result.err).at("error");
    CHECK(error.at("message").get<std::string>().starts_with("the key was moved, but the old one could not be removed, or not all of it, from backend \"db\": "));
    const auto moved = Json::parse(shop.read("r.json")).at("to").get<std::string>();
    CHECK(error.at("hint") == "the new key is " + moved +
                                  "; the receipt is in \"r.json\"; remove the old key with: keyway key remove '" + old + "'");
    CHECK(shop.succeed({"key", "check", moved}) == "ok\n");
    CHECK(shop.succeed({"key", "check", old}) == "ok\n");
}

TEST_CASE_METHOD(MovingWorkshop, "the two backends take their options by their aliases") {
    shop.environment["OTHER"] = "another passphrase";
    shop.succeed({"key", "create", "--type", "p-256", "--label", "old", "--passphrase", "env:OTHER"});
    shop.fail({"key", "migrate", "file:old", "db:new"}, 15, "passphrase_incorrect");
    const auto said = shop.fail({"key", "migrate", "file:old", "db:new", "--passphrase", "env:OTHER"}, 2, "usage");
    CHECK(said.find("--file-passphrase or --db-passphrase") != std::string::npos);
    shop.succeed({"key", "migrate", "file:old", "db:new", "--file-passphrase", "env:OTHER"});
    CHECK(labels(shop, "db") == "new ");
}

}  // namespace
