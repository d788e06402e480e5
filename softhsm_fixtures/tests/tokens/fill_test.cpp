// SPDX-License-Identifier: BSD-2-Clause
#include "filled.hpp"
#include "objects.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <fstream>

using namespace softhsm_fixtures;
using support::Filled;
using support::LoggedIn;
using Objects = std::vector<std::string>;

namespace {

/// The message of the error that filling with the list gives, in a TMPDIR that has to stay empty.
[[nodiscard]] std::string failure(const std::string& list) {
    const TemporaryFolder outer("failure");
    const support::Variable tmpdir("TMPDIR", outer.path().string());
    const support::Variable no_keep("SOFTHSM_FIXTURES_KEEP", std::nullopt);
    try {
        const SoftHsmToken made({.content = TokenContent::parse(list), .prepared = false});
    } catch (const FillFailed& error) {
        CHECK(support::names_in(outer.path()).empty());
        std::string message = error.what();
        CHECK(message.starts_with("cannot fill the token \""));
        return message.substr(message.find("\": ") + 3);
    }
    FAIL("the token was filled");
    return {};
}

} // namespace

TEST_CASE("a key pair has two objects with one id, and is private, sensitive and not extractable") {
    const Filled filled(R"([{"type": "rsa", "label": "signer", "id": "0102"}])");
    const LoggedIn token(filled.token());
    CHECK(token.objects() ==
          Objects{"private rsa \"signer\" 0102: private modifiable sensitive sign decrypt unwrap",
                  "public rsa \"signer\" 0102: modifiable verify encrypt wrap"});
    CHECK(token.sign_and_verify("signer") == CKR_OK);
}

TEST_CASE("every kind of key pair is stored and works") {
    struct Kind {
        std::string entry;
        std::string type;
    };
    const auto kind = GENERATE(
        Kind{R"("rsa", "bits": 1024)", "rsa"}, Kind{R"("rsa", "bits": 3072, "exponent": 3)", "rsa"},
        Kind{R"("ec", "curve": "P-192")", "ec"}, Kind{R"("ec", "curve": "P-224")", "ec"},
        Kind{R"("ec", "curve": "P-256")", "ec"}, Kind{R"("ec", "curve": "P-384")", "ec"},
        Kind{R"("ec", "curve": "P-521")", "ec"}, Kind{R"("ec", "curve": "secp256k1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP160r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP160t1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP192r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP192t1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP224r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP224t1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP256r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP256t1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP320r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP320t1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP384r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP384t1")", "ec"},
        Kind{R"("ec", "curve": "brainpoolP512r1")", "ec"}, Kind{R"("ec", "curve": "brainpoolP512t1")", "ec"},
        Kind{R"("ed25519")", "edwards"}, Kind{R"("ed448")", "edwards"},
        Kind{R"("dsa", "bits": 1024)", "dsa"});
    const std::string origin = GENERATE(as<std::string>(), "imported", "generated");
    CAPTURE(kind.entry, origin);
    const Filled filled(R"([{"label": "k", "id": "77", "usage": ["sign"], "origin": ")" + origin +
                        R"(", "type": )" + kind.entry + "}]");
    const LoggedIn token(filled.token());
    const std::string local = origin == "generated" ? " local" : "";
    const std::string never = origin == "generated" ? " local never-extractable" : "";
    CHECK(token.objects() ==
          Objects{"private " + kind.type + " \"k\" 77: private modifiable sensitive" + never + " sign",
                  "public " + kind.type + " \"k\" 77: modifiable" + local + " verify"});
    CHECK(token.sign_and_verify("k") == CKR_OK);
}

TEST_CASE("keys that only derive are stored and work") {
    const std::string origin = GENERATE(as<std::string>(), "imported", "generated");
    CAPTURE(origin);
    const std::string rest = R"(", "id": "77", "origin": ")" + origin + R"("})";
    const Filled filled(R"([{"type": "dh", "label": "dh)" + rest +
                        R"(, {"type": "x25519", "label": "x25519)" + rest +
                        R"(, {"type": "x448", "label": "x448)" + rest + "]");
    const LoggedIn token(filled.token());
    const std::string local = origin == "generated" ? " local" : "";
    const std::string never = origin == "generated" ? " local never-extractable" : "";
    const std::string private_end = "77: private modifiable sensitive" + never + " derive";
    const std::string public_end = "77: modifiable" + local;
    // SoftHSM has no type for Montgomery curves, and takes them with that of Edwards curves.
    CHECK(token.objects() ==
          Objects{"private dh \"dh\" " + private_end, "private edwards \"x25519\" " + private_end,
                  "private edwards \"x448\" " + private_end, "public dh \"dh\" " + public_end,
                  "public edwards \"x25519\" " + public_end, "public edwards \"x448\" " + public_end});
    const auto derived = [&](const std::string& label, CK_MECHANISM_TYPE mechanism, CK_ATTRIBUTE_TYPE value) {
        return token.derive(token.find(CKO_PRIVATE_KEY, label), mechanism,
                            token.attribute(token.find(CKO_PUBLIC_KEY, label), value));
    };
    CHECK(derived("dh", CKM_DH_PKCS_DERIVE, CKA_VALUE) == CKR_OK);
    CHECK(derived("x25519", CKM_ECDH1_DERIVE, CKA_EC_POINT) == CKR_OK);
    CHECK(derived("x448", CKM_ECDH1_DERIVE, CKA_EC_POINT) == CKR_OK);
}

TEST_CASE("secret keys are stored with the value that is given, or generated") {
    const std::string long_key(128, '5'); // SoftHSM takes no key shorter than the hash
    const Filled filled(R"([{"type": "aes", "label": "a", "value": "000102030405060708090a0b0c0d0e0f",
                             "attributes": {"sensitive": false, "extractable": true}},
                            {"type": "aes", "label": "b", "bits": 192, "origin": "generated"},
                            {"type": "des3", "label": "c"}, {"type": "des3", "label": "d", "origin": "generated"},
                            {"type": "generic", "label": "e", "bits": 8, "id": "aabb"},
                            {"type": "generic", "label": "f", "origin": "generated", "usage": []},
                            {"type": "hmac", "label": "g"},
                            {"type": "hmac", "label": "h", "hash": "sha512", "value": ")" +
                        long_key + R"(",
                             "attributes": {"private": false, "sensitive": false, "extractable": true}}])");
    const LoggedIn token(filled.token());
    CHECK(token.objects() ==
          Objects{"secret aes \"a\" : private modifiable extractable decrypt encrypt unwrap wrap",
                  "secret aes \"b\" : private modifiable sensitive local never-extractable decrypt encrypt "
                  "unwrap wrap",
                  "secret des3 \"c\" : private modifiable sensitive decrypt encrypt unwrap wrap",
                  "secret des3 \"d\" : private modifiable sensitive local never-extractable decrypt encrypt "
                  "unwrap wrap",
                  "secret generic \"e\" aabb: private modifiable sensitive sign verify derive",
                  "secret generic \"f\" : private modifiable sensitive local never-extractable",
                  "secret sha256-hmac \"g\" : private modifiable sensitive sign verify",
                  "secret sha512-hmac \"h\" : modifiable extractable sign verify"});
    CHECK(support::hex(token.attribute(token.find(CKO_SECRET_KEY, "a"), CKA_VALUE)) ==
          "000102030405060708090a0b0c0d0e0f");
    CHECK(support::hex(token.attribute(token.find(CKO_SECRET_KEY, "h"), CKA_VALUE)) == long_key);
    CHECK(support::hex(token.attribute(token.find(CKO_SECRET_KEY, "b"), CKA_VALUE_LEN)) ==
          "1800000000000000");
    CHECK(
        support::hex(token.sign(token.find(CKO_SECRET_KEY, "h"), CKM_SHA512_HMAC, support::bytes_of("x"))) ==
        support::run("printf x | openssl dgst -sha512 -mac HMAC -macopt hexkey:" + long_key +
                     " | sed 's/.*= //' | tr -d '\\n'")
            .output);
}

TEST_CASE("data objects hold text, bytes and files") {
    const TemporaryFolder folder("data");
    std::ofstream(folder.path() / "file", std::ios::binary) << std::string("\0\xff", 2);
    const Filled filled(R"([{"type": "data", "label": "text", "text": "gr\u00fcn", "application": "app"},
                            {"type": "data", "label": "hex", "hex": "00ff", "attributes": {"private": true}},
                            {"type": "data", "label": "n-{n}", "text": "{n} of 2", "count": 2},
                            {"type": "data", "label": "file", "file": ")" +
                        (folder.path() / "file").string() + "\"}]");
    const LoggedIn token(filled.token());
    CHECK(token.objects() == Objects{"data \"file\": modifiable", "data \"hex\": private modifiable",
                                     "data \"n-1\": modifiable", "data \"n-2\": modifiable",
                                     "data \"text\": modifiable"});
    const auto value = [&](const std::string& label) {
        return token.attribute(token.find(CKO_DATA, label), CKA_VALUE);
    };
    CHECK(value("text") == support::bytes_of("gr\xc3\xbcn"));
    CHECK(value("hex") == support::Bytes{0x00, 0xff});
    CHECK(value("file") == support::Bytes{0x00, 0xff});
    CHECK(value("n-2") == support::bytes_of("2 of 2"));
    CHECK(token.attribute(token.find(CKO_DATA, "text"), CKA_APPLICATION) == support::bytes_of("app"));
}

TEST_CASE("what makes keys hard to find: orphans, twins, no id") {
    const Filled filled(R"([{"type": "ec", "curve": "P-256", "label": "lone", "id": "01", "store": "private"},
                            {"type": "ec", "curve": "P-256", "label": "open", "id": "02", "store": "public"},
                            {"type": "ec", "curve": "P-256", "label": "twin", "id": "03", "usage": ["sign"]},
                            {"type": "ec", "curve": "P-384", "label": "twin", "id": "03", "usage": ["sign"]},
                            {"type": "ec", "curve": "P-256", "label": "bare", "id": ""},
                            {"type": "ec", "curve": "P-256", "id": "04", "store": "private", "origin": "generated"},
                            {"type": "ec", "curve": "P-256", "id": "05", "store": "public", "origin": "generated"},
                            {"type": "ec", "curve": "P-256", "label": "gone", "store": "nothing"}])");
    const LoggedIn token(filled.token());
    const std::string end = "private modifiable sensitive sign derive";
    CHECK(token.objects() ==
          Objects{"private ec \"\" 04: private modifiable sensitive local never-extractable sign derive",
                  "private ec \"bare\" : " + end, "private ec \"lone\" 01: " + end,
                  "private ec \"twin\" 03: private modifiable sensitive sign",
                  "private ec \"twin\" 03: private modifiable sensitive sign",
                  "public ec \"\" 05: modifiable local verify", "public ec \"bare\" : modifiable verify",
                  "public ec \"open\" 02: modifiable verify", "public ec \"twin\" 03: modifiable verify",
                  "public ec \"twin\" 03: modifiable verify"});
}

TEST_CASE("attributes of the list win, and go to the objects that have them") {
    const Filled filled(R"([{"type": "rsa", "label": "a", "id": "01", "usage": ["decrypt"],
                             "attributes": {"extractable": true, "sensitive": false, "modifiable": false,
                                            "wrap-with-trusted": true, "sign": true, "encrypt": false}},
                            {"type": "rsa", "label": "b", "id": "02", "usage": ["wrap"],
                             "attributes": {"always-authenticate": true}},
                            {"type": "rsa", "label": "c", "id": "03", "store": "private",
                             "attributes": {"private": false}}])");
    const LoggedIn token(filled.token());
    CHECK(token.objects() ==
          Objects{"private rsa \"a\" 01: private extractable wrap-with-trusted sign decrypt",
                  "private rsa \"b\" 02: private modifiable sensitive always-authenticate unwrap",
                  "private rsa \"c\" 03: modifiable sensitive sign decrypt unwrap",
                  "public rsa \"a\" 01:", "public rsa \"b\" 02: modifiable wrap"});
}

TEST_CASE("what is trusted is made by the security officer") {
    const Filled filled(
        R"([{"type": "rsa", "label": "w", "id": "01", "usage": ["wrap"], "attributes": {"trusted": true},
                             "certificate": {"attributes": {"trusted": true}}},
                            {"type": "aes", "label": "s", "attributes": {"trusted": true, "private": false}}])");
    const LoggedIn token(filled.token());
    CHECK(token.objects() ==
          Objects{"certificate \"w\" 01: modifiable trusted",
                  "private rsa \"w\" 01: private modifiable sensitive unwrap",
                  "public rsa \"w\" 01: modifiable trusted wrap",
                  "secret aes \"s\" : modifiable sensitive trusted decrypt encrypt unwrap wrap"});
}

TEST_CASE("many copies of one entry differ by their numbers") {
    const Filled filled(R"([{"type": "ec", "curve": "P-256", "label": "k-{n}", "id": "ff{n}", "count": 12,
                             "usage": ["sign"]}])");
    const LoggedIn token(filled.token());
    Objects expected;
    for (int n = 1; n <= 12; ++n) {
        const std::string name = "ec \"k-" + std::to_string(n) + "\" ff000" + "0123456789abc"[n] + ":";
        expected.push_back("private " + name + " private modifiable sensitive sign");
        expected.push_back("public " + name + " modifiable verify");
    }
    std::sort(expected.begin(), expected.end());
    CHECK(token.objects() == expected);
    CHECK(token.attribute(token.find(CKO_PUBLIC_KEY, "k-1"), CKA_EC_POINT) !=
          token.attribute(token.find(CKO_PUBLIC_KEY, "k-2"), CKA_EC_POINT));
}

TEST_CASE("a key that is given in PEM is the key in the token") {
    struct Kind {
        std::string options;
        std::string verify;
        CK_MECHANISM_TYPE mechanism;
    };
    const auto kind = GENERATE(
        Kind{"-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "dgst -sha256 -verify pub -signature sig data",
             CKM_SHA256_RSA_PKCS},
        Kind{"-algorithm ED25519", "pkeyutl -verify -pubin -inkey pub -rawin -sigfile sig -in data", 0x1057},
        Kind{"-algorithm ED448", "pkeyutl -verify -pubin -inkey pub -rawin -sigfile sig -in data", 0x1057});
    const TemporaryFolder folder("pem");
    const std::string in_folder = "cd '" + folder.path().string() + "' && ";
    REQUIRE(support::run(in_folder + "openssl genpkey " + kind.options +
                         " -out key -quiet && "
                         "openssl pkey -in key -pubout -out pub && printf data > data")
                .output.empty());
    const Filled filled(R"([{"type": "key", "label": "k", "pem-file": ")" + (folder.path() / "key").string() +
                        "\"}]");
    const LoggedIn token(filled.token());
    CHECK(token.sign_and_verify("k") == CKR_OK);
    const auto signature =
        token.sign(token.find(CKO_PRIVATE_KEY, "k"), kind.mechanism, support::bytes_of("data"));
    std::ofstream(folder.path() / "sig", std::ios::binary)
        .write(reinterpret_cast<const char*>(signature.data()),
               static_cast<std::streamsize>(signature.size()));
    const auto judged = support::run(in_folder + "openssl " + kind.verify);
    INFO(judged.output);
    CHECK(judged.status == 0);
}

TEST_CASE("ids are by default what certificates have for a key identifier") {
    const TemporaryFolder folder("id");
    const std::string key = (folder.path() / "key").string();
    // A compressed point is one way to write the same key.
    const std::string options = GENERATE(as<std::string>(), "", " -conv_form compressed");
    REQUIRE(support::run("openssl ecparam -genkey -noout -name prime256v1" + options + " -out '" + key + "'")
                .status == 0);
    const Filled filled(R"([{"type": "key", "label": "k", "pem-file": ")" + key +
                        "\", \"certificate\": {}}]");
    const LoggedIn token(filled.token());
    const auto hashed =
        support::run("openssl ec -in '" + key +
                     "' -pubout -conv_form uncompressed -outform DER 2>/dev/null | tail -c 65 | sha1sum");
    const std::string id = hashed.output.substr(0, 40);
    CHECK(token.objects() == Objects{"certificate \"k\" " + id + ": modifiable",
                                     "private ec \"k\" " + id + ": private modifiable sensitive sign derive",
                                     "public ec \"k\" " + id + ": modifiable verify"});
    CHECK(token.sign_and_verify("k") == CKR_OK);
}

TEST_CASE("a public key that is given in PEM has no private half") {
    const TemporaryFolder folder("pem");
    const std::string key = (folder.path() / "key").string();
    REQUIRE(support::run("openssl ecparam -genkey -noout -name secp384r1 | openssl pkey -pubout -out '" +
                         key + "'")
                .status == 0);
    const std::string entry = R"([{"type": "key", "label": "k", "id": "01", "pem-file": ")" + key + '"';
    const Filled filled(entry + "}]");
    const LoggedIn token(filled.token());
    CHECK(TokenContent::parse(entry + "}]").object_count() == 1);
    CHECK(token.objects() == Objects{"public ec \"k\" 01: modifiable verify"});
    CHECK(failure(entry + R"(, "store": "private"}])") ==
          "entry 1 (\"k\"): the PEM holds a public key, and \"store\" is \"private\"");
    CHECK(failure(entry + R"(, "certificate": {}}])") ==
          "entry 1 (\"k\"): the private key that would sign the certificate is not there");
}

TEST_CASE("what cannot be made is named by its entry, and no token is left") {
    skip_without_softhsm();
    const TemporaryFolder folder("pem");
    const auto path = [&](const char* name) { return (folder.path() / name).string(); };
    REQUIRE(support::run("cd '" + folder.path().string() +
                         "' && openssl ecparam -genkey -noout -name prime256v1 -out key && "
                         "openssl pkcs8 -topk8 -in key -passout pass:secret -out locked && "
                         "openssl req -x509 -new -key key -subj /CN=x -out cert && cat cert cert > two && "
                         "printf -- '-----BEGIN NOTHING-----\\n' > nothing")
                .status == 0);
    const auto key = [&](const char* name, const std::string& more = "") {
        return R"([{"type": "aes"}, {"type": "key", "label": "k", "pem-file": ")" + path(name) + '"' + more +
               "}]";
    };
    CHECK(failure(key("locked")) ==
          "entry 2 (\"k\"): the key is encrypted; give it without a passphrase, as the list "
          "holds no secrets");
    CHECK(failure(key("nothing"))
              .starts_with(
                  "entry 2 (\"k\"): the PEM holds neither a private nor a public key that can be read"));
    CHECK(failure(key("cert"))
              .starts_with(
                  "entry 2 (\"k\"): the PEM holds neither a private nor a public key that can be read"));
    CHECK(failure(key("key", R"(, "certificate": {"pem-file": ")" + path("two") + "\"}")) ==
          "entry 2 (\"k\"): the PEM holds more than one certificate; make an entry for each");
    CHECK(failure(R"([{"type": "rsa", "certificate": {"pem-file": ")" + path("cert") + "\"}}]")
              .starts_with("entry 1: the certificate belongs to another key"));
    CHECK(failure(R"([{"type": "certificate", "pem-file": ")" + path("key") + "\"}]")
              .starts_with("entry 1: the PEM holds no certificate that can be read"));
    CHECK(failure(R"([{"type": "rsa", "label": "x", "certificate": {"ip": ["localhost"]}}])") ==
          "entry 1 (\"x\"): \"localhost\" is not an IP address");
    CHECK(failure(R"([{"type": "aes", "label": "x", "attributes": {"trusted": true}}])") ==
          "entry 1 (\"x\"): a trusted key has to be \"private\": false");
    CHECK(failure(
              R"([{"type": "rsa", "label": "x", "origin": "generated", "attributes": {"trusted": true}}])") ==
          "entry 1 (\"x\"): a key that the token generates cannot be trusted");
}
