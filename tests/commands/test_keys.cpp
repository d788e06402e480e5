// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace {

using namespace keyway::test;

std::string backend() {
    return GENERATE("file", "db");
}

TEST_CASE("a key is created, listed, shown, checked, used and removed") {
    const Workshop shop;
    const auto alias = backend();
    const auto ref = line(shop.succeed(
        {"key", "create", "--backend", alias, "--type", "p-256", "--label", "root", "--out", "root.ref"}));
    CHECK(ref.starts_with("keyway:1?backend=" + alias + "&"));
    CHECK(shop.read("root.ref") == ref + "\n");

    const auto list = shop.succeed_json({"key", "list", "--backend", alias});
    REQUIRE(list.at("keys").size() == 1);
    const auto& listed = list.at("keys")[0];
    CHECK(listed.at("label") == "root");
    CHECK(listed.at("type") == "p-256");
    CHECK(listed.at("reference") == ref);
    CHECK(listed.at("key").at("spki-sha256") == listed.at("spki-sha256"));
    const auto fingerprint = listed.at("spki-sha256").get<std::string>();
    CHECK(shop.succeed({"key", "list", "--backend", alias}) ==
          "LABEL  TYPE   SPKI SHA-256\nroot   p-256  " + fingerprint + "\n");

    // All forms in which a key can be named.
    const auto json_ref = listed.at("key").dump();
    shop.write("root.json", json_ref);
    for(const auto& name :
        {ref, json_ref, std::string("root.ref"), std::string("root.json"), alias + ":root"}) {
        INFO(name);
        CHECK(shop.succeed({"key", "check", name}) == "ok\n");
        CHECK(shop.succeed_json({"key", "show", name}).at("spki-sha256") == fingerprint);
    }

    const auto pem = shop.succeed({"key", "show", alias + ":root", "--pem"});
    shop.write("public.pem", pem);
    CHECK(shop.run({"sh", "-c", "openssl pkey -pubin -in public.pem -outform DER | openssl dgst -sha256 -r"})
              .starts_with(fingerprint));
    CHECK(shop.succeed_json({"key", "show", ref, "--pem"}).at("pem") == pem);

    shop.write("data", "to be signed");
    CHECK(shop.succeed({"key", "sign", ref, "--in", "data", "--out", "signature"}).empty());
    shop.run({"openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data"});

    CHECK(shop.succeed({"key", "remove", "root.ref", "--yes"}) ==
          "removed key \"root\" (p-256) from backend \"" + alias + "\"\n");
    CHECK(shop.succeed({"key", "list", "--backend", alias}) == "no keys in backend \"" + alias + "\"\n");
    shop.fail({"key", "check", ref}, 20, "key_not_found");
}

TEST_CASE("key create describes the key in JSON") {
    const Workshop shop;
    const auto json =
        shop.succeed_json({"key", "create", "--type", "ed25519", "--label", "a b", "--out", "ref"});
    const auto fingerprint = json.at("spki-sha256").get<std::string>();
    CHECK(json == Json{{"reference", "keyway:1?backend=file&type=file&key=ed25519&spki-sha256=" +
                                         fingerprint + "&file=a%20b.pem"},
                       {"key",
                        {{"keyway", 1},
                         {"backend", "file"},
                         {"type", "file"},
                         {"key", "ed25519"},
                         {"spki-sha256", fingerprint},
                         {"locator", {{"file", "a b.pem"}}}}},
                       {"type", "ed25519"},
                       {"spki-sha256", fingerprint},
                       {"backend", "file"},
                       {"label", "a b"},
                       {"out", "ref"}});
}

TEST_CASE("every key type is created and signs, and OpenSSL agrees") {
    const Workshop shop;
    const std::string type = GENERATE("rsa-2048", "p-256", "p-384", "p-521", "secp256k1", "brainpool-p256r1");
    const auto ref = line(shop.succeed({"key", "create", "--type", type, "--label", "key"}));
    shop.write("public.pem", shop.succeed({"key", "show", ref, "--pem"}));
    shop.write("data", "to be signed");
    shop.write("signature",
               shop.succeed({"key", "sign", ref, "--in", "-", "--scheme", "sha384"}, "to be signed"));
    shop.run({"openssl", "dgst", "-sha384", "-verify", "public.pem", "-signature", "signature", "data"});
}

TEST_CASE("an EdDSA key signs without a hash of its own") {
    const Workshop shop;
    const std::string type = GENERATE("ed25519", "ed448");
    const auto ref = line(shop.succeed({"key", "create", "--type", type, "--label", "key"}));
    shop.write("public.pem", shop.succeed({"key", "show", ref, "--pem"}));
    shop.write("data", "to be signed");
    const auto json = shop.succeed_json({"key", "sign", ref, "--in", "data", "--out", "signature"});
    CHECK(json.at("scheme") == type);
    shop.run({"openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "public.pem", "-in", "data",
              "-sigfile", "signature"});
    shop.fail({"key", "sign", ref, "--in", "data", "--scheme", "sha256"}, 26, "unsupported");
}

TEST_CASE("an RSA key signs with PSS") {
    const Workshop shop;
    const auto ref = line(shop.succeed({"key", "create", "--type", "rsa-2048", "--label", "key"}));
    shop.write("public.pem", shop.succeed({"key", "show", ref, "--pem"}));
    shop.write("data", "to be signed");
    const auto json = shop.succeed_json(
        {"key", "sign", ref, "--in", "data", "--out", "signature", "--scheme", "pss-sha256"});
    CHECK(json.at("scheme") == "rsa-pss-sha256");
    shop.run({"openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
              "rsa_pss_saltlen:digest", "-verify", "public.pem", "-signature", "signature", "data"});
}

TEST_CASE("signatures come in the format asked for") {
    const Workshop shop;
    const auto ref = shop.make_key("key");
    const auto sign = [&](const std::string& format) {
        return shop.succeed({"key", "sign", ref, "--in", "-", "--format", format}, "data");
    };
    CHECK(sign("raw").size() == 64);
    CHECK(sign("der").starts_with("\x30"));
    const auto hex = line(sign("hex"));
    CHECK(hex.starts_with("30"));
    CHECK(hex.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(line(sign("base64")).starts_with("M"));
    shop.fail({"key", "sign", ref, "--in", "keyway.json", "--format", "bse64"}, 11, "invalid_argument");
}

TEST_CASE("a large file is signed piece by piece") {
    const Workshop shop;
    const auto ref = shop.make_key("key");
    shop.write("data", std::string(3'000'001, 'x'));
    shop.write("public.pem", shop.succeed({"key", "show", ref, "--pem"}));
    shop.succeed({"key", "sign", ref, "--in", "data", "--out", "signature"});
    shop.run({"openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data"});
}

TEST_CASE("a key made by others is stored") {
    const Workshop shop;
    const auto alias = backend();
    shop.run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-aes-256-cbc",
              "-pass", "env:KEYWAY_TEST_PASSPHRASE", "-out", "key.pem"});
    shop.run({"openssl", "req", "-new", "-x509", "-key", "key.pem", "-passin", "env:KEYWAY_TEST_PASSPHRASE",
              "-subj", "/CN=their own", "-out", "certificate.pem"});
    const auto ref = line(shop.succeed({"key", "store", "--backend", alias, "--in", "key.pem",
                                        "--in-passphrase", "env:KEYWAY_TEST_PASSPHRASE", "--certificate",
                                        "certificate.pem", "--label", "theirs"}));
    shop.run({"sh", "-c", "openssl x509 -in certificate.pem -noout -pubkey > public.pem"});
    CHECK(shop.succeed({"key", "show", ref, "--pem"}) == shop.read("public.pem"));

    // From standard input, and not encrypted.
    const auto plain =
        shop.run({"openssl", "pkey", "-in", "key.pem", "-passin", "env:KEYWAY_TEST_PASSPHRASE"});
    const auto again =
        line(shop.succeed({"key", "store", "--backend", alias, "--in", "-", "--label", "again"}, plain));
    CHECK(shop.succeed({"key", "check", again}) == "ok\n");
}

TEST_CASE("a key is not stored when the certificate is for another") {
    const Workshop shop;
    shop.make_root("other");
    shop.run({"openssl", "genpkey", "-algorithm", "ED25519", "-out", "key.pem"});
    const auto before = shop.snapshot();
    const auto said =
        shop.fail({"key", "store", "--in", "key.pem", "--certificate", "other.pem", "--label", "new"}, 23,
                  "key_mismatch");
    CHECK(said.starts_with("the certificate \"other.pem\" is for another key than \"key.pem\"\nSPKI SHA-256 of the certificate: "));
    const auto fingerprint = shop.run({"sh", "-c", "openssl pkey -in key.pem -pubout -outform DER | openssl dgst -sha256 -r"});
    CHECK(said.ends_with(", of the key: " + fingerprint.substr(0, 64)));
    CHECK(shop.snapshot() == before);
}

TEST_CASE("an encrypted key without a passphrase is refused with the flag to give") {
    const Workshop shop;
    shop.run({"openssl", "genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:abc", "-out",
              "key.pem"});
    const auto said =
        shop.fail({"key", "store", "--in", "key.pem", "--label", "new"}, 12, "secret_unavailable");
    CHECK(said.find("--in-passphrase") != std::string::npos);
    shop.fail({"key", "store", "--in", "key.pem", "--label", "new", "--in-passphrase",
               "env:KEYWAY_TEST_PASSPHRASE"},
              15, "passphrase_incorrect");
}

TEST_CASE("a label that two keys have names none of them") {
    const Workshop shop;
    const auto first = shop.make_key("twin");
    shop.succeed({"key", "create", "--type", "p-256", "--label", "other", "--format", "der"});
    std::filesystem::rename(shop.path("keys/other.der"), shop.path("keys/twin.der"));
    const auto said = shop.fail({"key", "show", "file:twin"}, 21, "key_ambiguous");
    CHECK(said.find(first) != std::string::npos);
    CHECK(said.find("twin.der") != std::string::npos);
}

TEST_CASE("a key in a file is adopted under the label that it is listed by") {
    const Workshop shop;
    const auto ref = shop.make_key("root");
    const auto json = shop.succeed_json({"key", "adopt", "--file", "root.pem"});
    CHECK(json.at("reference") == ref);
    CHECK(json.at("label") == "root");
}

TEST_CASE("key list shows the keys asked for") {
    const Workshop shop;
    const auto alias = backend();
    for(const auto& [label, type] : std::vector<std::pair<std::string, std::string>>{{"ca-1", "p-256"}, {"ca-2", "ed25519"}, {"b", "p-256"}}) {
        shop.succeed({"key", "create", "--backend", alias, "--type", type, "--label", label});
    }
    const auto labels = [&](std::vector<std::string> arguments) {
        std::vector<std::string> all{"key", "list", "--backend", alias};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const auto listing = shop.succeed_json(all);
        std::string out;
        for(const auto& key : listing.at("keys")) {
            out += key.at("label").get<std::string>() + " ";
        }
        return out;
    };
    const auto there = "are 3 in backend \"" + alias + "\"\n";
    CHECK(labels({}) == "b ca-1 ca-2 ");
    CHECK(labels({"--type", "P-256"}) == "b ca-1 ");
    CHECK(labels({"--label", "ca-*"}) == "ca-1 ca-2 ");
    CHECK(labels({"--label", "ca-*", "--type", "p-256"}) == "ca-1 ");
    CHECK(shop.succeed({"key", "list", "--backend", alias, "--label", "x*"}) == "no key that fits --type and --label; there " + there);
    shop.fail({"key", "list", "--backend", alias, "--type", "p-255"}, 26, "unsupported");
}

TEST_CASE("key check tells whether the store takes changes, when asked") {
    const Workshop shop;
    const auto alias = backend();
    const auto ref = line(shop.succeed({"key", "create", "--backend", alias, "--type", "p-256", "--label", "a"}));
    CHECK(shop.succeed({"key", "check", ref, "--writable"}) == "ok\n");
    CHECK(shop.succeed_json({"key", "check", ref, "--writable"}).at("writable") == true);
    CHECK(!shop.succeed_json({"key", "check", ref}).contains("writable"));
}

TEST_CASE("a key in the place of another is not taken for it") {
    const Workshop shop;
    const auto ref = shop.make_key("root");
    std::filesystem::remove(shop.path("keys/root.pem"));
    static_cast<void>(shop.make_key("root"));
    shop.fail({"key", "check", ref}, 23, "key_mismatch");
    shop.fail({"key", "show", ref}, 23, "key_mismatch");
    shop.fail({"key", "sign", ref, "--in", "keyway.json"}, 23, "key_mismatch");
    shop.fail({"key", "remove", ref, "--yes"}, 23, "key_mismatch");
    CHECK(shop.has("keys/root.pem"));
}

TEST_CASE("key rewrap says what opens the keys, and what of the settings is stale") {
    Workshop shop;
    shop.environment["NEXT"] = "another passphrase";
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--new-passphrase", "env:NEXT"}) ==
          "nothing to do: there is no key in backend \"db\" yet, and no passphrase before the first one\n");
    const auto wrapping =
        line(shop.succeed({"key", "create", "--type", "rsa-2048", "--label", "w"}));
    shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"});
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--new-wrapping-key", wrapping})
              .ends_with("opens them: name it by \"wrapping-key\" in the settings\n"));
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["db"]["wrapping-key"] = wrapping;
    shop.write("keyway.json", settings.dump());
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--new-passphrase", "env:NEXT"}) ==
          "put 1 key in backend \"db\" under a new key-encryption key; from now on the new passphrase opens them: name its source in "
          "the settings, and take \"wrapping-key\" out of them\n");
}

}  // namespace

TEST_CASE("the passphrase of a database is changed, and its keys stay") {
    const Workshop shop;
    shop.succeed({"key", "create", "--backend", "db", "--type", "ed25519", "--label", "a", "--out", "a.ref"});
    shop.write("new", "battery staple");
    std::filesystem::permissions(shop.path("new"), std::filesystem::perms::owner_read);
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--dry-run"}) ==
          "would put 1 key in backend \"db\" under a new key-encryption key\n");
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--new-passphrase", "file:new"}) ==
          "put 1 key in backend \"db\" under a new key-encryption key; from now on the new passphrase opens them: name its source "
          "in the settings\n");
    shop.fail({"key", "check", "a.ref"}, 15, "passphrase_incorrect");
    shop.fail({"key", "rewrap", "--backend", "db", "--new-passphrase", "file:new"}, 15, "passphrase_incorrect");
    shop.succeed({"key", "check", "a.ref", "--passphrase", "file:new"});
    const auto json = shop.succeed_json({"key", "rewrap", "--backend", "db", "--passphrase", "file:new"});
    CHECK(json == Json{{"backend", "db"}, {"rewrapped", 1}, {"resumed", false}});
    shop.fail({"key", "rewrap", "--backend", "file"}, 26, "unsupported");
    CHECK(shop.fail({"key", "rewrap", "--backend", "db", "--new-passphrase", "hunter2"}, 10, "invalid_option")
              .find("hunter2") == std::string::npos);
}

TEST_CASE("a database goes under a key of another backend, and back") {
    const Workshop shop;
    shop.succeed({"key", "create", "--backend", "db", "--type", "ed25519", "--label", "a", "--out", "a.ref"});
    shop.succeed({"key", "create", "--backend", "file", "--type", "rsa-2048", "--label", "wrap", "--out", "wrap.ref"});
    shop.write("wrapped.json", R"({"version": 1, "backends": {
        "file": {"type": "file", "path": "keys", "passphrase": "env:KEYWAY_TEST_PASSPHRASE"},
        "db": {"type": "database", "path": "keys.db", "wrapping-key": "wrap.ref"}}})");
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--new-wrapping-key", "file:wrap", "--dry-run"}) ==
          "would put 1 key in backend \"db\" under a new key-encryption key\n");
    shop.succeed({"key", "check", "a.ref"});
    shop.fail({"key", "rewrap", "--backend", "db", "--new-wrapping-key", "file:wrap", "--new-passphrase", "env:X"}, 12,
              "secret_unavailable");
    CHECK(shop.succeed({"key", "rewrap", "--backend", "db", "--new-wrapping-key", "wrap.ref"}).find("\"wrapping-key\"") !=
          std::string::npos);
    shop.fail({"key", "check", "a.ref"}, 10, "invalid_option");
    shop.succeed({"--config", "wrapped.json", "key", "check", "a.ref"});
    shop.succeed({"--config", "wrapped.json", "key", "create", "--backend", "db", "--type", "p-256", "--label", "b"});
    shop.succeed({"--config", "wrapped.json", "key", "rewrap", "--backend", "db", "--new-passphrase",
                  "env:KEYWAY_TEST_PASSPHRASE"});
    shop.succeed({"key", "check", "a.ref"});
}

TEST_CASE("a dry run of a new key in a database tries the passphrase and the label") {
    Workshop shop;
    shop.succeed({"key", "create", "--backend", "db", "--type", "ed25519", "--label", "a"});
    const std::vector<std::string> dry{"key", "create", "--backend", "db", "--type", "ed25519", "--dry-run", "--label"};
    const auto with = [&](const std::string& label) {
        auto all = dry;
        all.push_back(label);
        return all;
    };
    shop.succeed(with("b"));
    shop.fail(with("a"), 22, "already_exists");
    shop.fail(with("a\nb"), 10, "invalid_option");
    shop.environment["KEYWAY_TEST_PASSPHRASE"] = "another one";
    shop.fail(with("b"), 15, "passphrase_incorrect");
    shop.fail({"key", "rewrap", "--backend", "db", "--dry-run"}, 15, "passphrase_incorrect");
}
