// SPDX-License-Identifier: BSD-2-Clause
#include "../support.hpp"

#include <softhsm_fixtures/content.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <fstream>

using softhsm_fixtures::InvalidContent;
using softhsm_fixtures::TemporaryFolder;
using softhsm_fixtures::TokenContent;

namespace {

/// What is wrong with the list; empty when nothing is.
[[nodiscard]] std::string refusal(const std::string& list) {
    try {
        static_cast<void>(TokenContent::parse(list));
    } catch (const InvalidContent& error) {
        return error.what();
    }
    return {};
}

struct Refused {
    std::string list;
    std::string message;
};

const std::string key = R"({"type": "ec", "curve": "P-256", "label": "root", "certificate": {}})";
const std::string pem = R"(-----BEGIN X-----\n-----END X-----\n)";

} // namespace

TEST_CASE("the objects of a list are counted") {
    const auto count = [](const std::string& list) { return TokenContent::parse(list).object_count(); };
    CHECK(count("[]") == 0);
    CHECK(count(R"([{"type": "rsa"}])") == 2);
    CHECK(count(R"([{"type": "rsa", "certificate": {"subject": "CN=x"}}])") == 3);
    CHECK(count(R"([{"type": "rsa", "store": "private"}, {"type": "rsa", "store": "public"}])") == 2);
    CHECK(count(R"([{"type": "rsa", "store": "nothing", "certificate": {"subject": "CN=x"}}])") == 1);
    CHECK(count(R"([{"type": "aes", "count": 10}, {"type": "data", "text": ""}])") == 11);
    CHECK(TokenContent().object_count() == 0);
}

TEST_CASE("lists with the same meaning have the same text") {
    const auto one = TokenContent::parse(R"([{"type": "aes", "label": "x"}])");
    CHECK(one == TokenContent::parse("[ {\n \"label\" : \"\\u0078\", \"type\":\"aes\" } ]"));
    CHECK_FALSE(one == TokenContent::parse(R"([{"type": "aes", "label": "y"}])"));
    CHECK(one.json() == R"([{"label":"x","type":"aes"}])");
    CHECK(TokenContent::parse(one.json()) == one);
    CHECK(TokenContent() == TokenContent::parse("[]"));
}

TEST_CASE("what is unknown is refused with its place and the known names") {
    const auto refused = GENERATE(
        Refused{R"([{"type": "aes"}, {"type": "rsa", "lable": "x"}])",
                "entry 2: unknown member \"lable\"; known are type, bits, exponent, label, id, name, count, "
                "attributes, "
                "usage, store, origin, certificate"},
        Refused{R"([{"type": "idea", "label": "x"}])", "entry 1: unknown type \"idea\"; known are rsa, ec, "
                                                       "ed25519, ed448, x25519, x448, dsa, dh, key, aes, "
                                                       "des3, generic, hmac, certificate, data"},
        Refused{R"([{"label": "x"}])",
                "entry 1: has no \"type\"; known are rsa, ec, ed25519, ed448, x25519, x448, dsa, "
                "dh, key, aes, des3, generic, hmac, certificate, data"},
        Refused{R"([{"type": "ec", "curve": "P-257"}])",
                "entry 1: unknown curve \"P-257\"; known are P-192, P-224, P-256, P-384, P-521, secp256k1, "
                "brainpoolP160r1, brainpoolP160t1, brainpoolP192r1, brainpoolP192t1, brainpoolP224r1, "
                "brainpoolP224t1, "
                "brainpoolP256r1, brainpoolP256t1, brainpoolP320r1, brainpoolP320t1, brainpoolP384r1, "
                "brainpoolP384t1, "
                "brainpoolP512r1, brainpoolP512t1"},
        Refused{R"([{"type": "rsa", "label": "x", "store": "both"}])",
                "entry 1 (\"x\"): unknown store \"both\"; known are pair, private, public, nothing"},
        Refused{R"([{"type": "rsa", "label": "x", "origin": "stolen"}])",
                "entry 1 (\"x\"): unknown origin \"stolen\"; known are imported, generated"},
        Refused{R"([{"type": "rsa", "usage": ["sing"]}])",
                "entry 1: unknown usage \"sing\"; known are sign, decrypt, wrap, derive"},
        Refused{R"([{"type": "hmac", "hash": "md4"}])",
                "entry 1: unknown hash \"md4\"; known are sha1, sha224, sha256, sha384, sha512"},
        Refused{R"([{"type": "data", "text": "", "attributes": {"sign": true}}])",
                "entry 1, \"attributes\": unknown attribute \"sign\"; known are private, modifiable, "
                "copyable, destroyable"},
        Refused{R"([{"type": "ec", "curve": "P-256", "label": "x", "certificate": {"subjekt": "CN=x"}}])",
                "entry 1 (\"x\"), \"certificate\": unknown member \"subjekt\"; known are subject, issuer, "
                "days, starts, "
                "serial, ca, dns, ip, pem, pem-file, label, id, attributes"},
        Refused{R"([{"type": "rsa", "certificate": {"subject": "CN=x,Q=y"}}])",
                "entry 1, \"certificate\": the subject \"CN=x,Q=y\": unknown attribute \"Q\"; known are CN, "
                "O, OU, C, ST, L, "
                "DC, serialNumber, UID, emailAddress"});
    CHECK(refusal(refused.list) == refused.message);
}

TEST_CASE("a value that cannot be is refused with its place") {
    const auto refused = GENERATE(
        Refused{R"([{"type": "rsa", "bits": 512}])",
                "entry 1: \"bits\" is not a whole number from 1024 to 16384"},
        Refused{R"([{"type": "rsa", "bits": 2048.5}])",
                "entry 1: \"bits\" is not a whole number from 1024 to 16384"},
        Refused{R"([{"type": "rsa", "bits": "2048"}])",
                "entry 1: \"bits\" is not a whole number from 1024 to 16384"},
        Refused{R"([{"type": "rsa", "bits": 18446744073709551615}])",
                "entry 1: \"bits\" is not a whole number from 1024 to 16384"},
        Refused{R"([{"type": "rsa", "exponent": 65536}])", "entry 1: \"exponent\" is even"},
        Refused{R"([{"type": "aes", "bits": 64}])", "entry 1: \"bits\" is 64; known are 128, 192, 256"},
        Refused{R"([{"type": "generic", "bits": 9}])", "entry 1: \"bits\" is 9, which is not whole bytes"},
        Refused{R"([{"type": "aes", "value": "00"}])", "entry 1: \"value\" has 8 bits and not 256"},
        Refused{R"([{"type": "aes", "value": "0"}])",
                "entry 1: \"value\" is not an even number of hexadecimal digits"},
        Refused{R"([{"type": "aes", "count": 0}])",
                "entry 1: \"count\" is not a whole number from 1 to 10000"},
        Refused{R"([{"type": "aes", "id": "{n}0"}])",
                "entry 1: \"id\" is \"{n}0\", which is not an even number of hexadecimal digits; {n} stands "
                "for four of them"},
        Refused{R"([{"type": "aes", "label": 7}])", "entry 1: \"label\" is not a text in quotes"},
        Refused{R"([{"type": "aes", "attributes": {"sensitive": "no"}}])",
                "entry 1, \"attributes\": \"sensitive\" is neither true nor false"},
        Refused{R"([{"type": "aes", "attributes": []}])",
                "entry 1, \"attributes\": is not an object in braces"},
        Refused{R"([{"type": "aes", "origin": "generated", "value": "00112233445566778899aabbccddeeff"}])",
                "entry 1: a generated key has a value of its own; leave \"value\" or \"origin\" out"},
        Refused{R"([{"type": "rsa", "origin": "generated", "store": "nothing"}])",
                "entry 1: a generated key is in the token; \"store\" cannot be \"nothing\""},
        Refused{R"([{"type": "hmac", "origin": "generated"}])",
                "entry 1: a key for one HMAC is not generated by a token; leave \"origin\" out, or use "
                "\"generic\""},
        Refused{R"([{"type": "rsa", "origin": "generated", "attributes": {"modifiable": false}}])",
                "entry 1: a generated key that cannot be modified needs an \"id\""},
        Refused{R"([{"type": "key", "label": "x"}])",
                "entry 1 (\"x\"): a given key has \"pem\" or \"pem-file\""},
        Refused{R"([{"type": "key", "pem": "MIIB"}])",
                "entry 1: \"pem\" is not PEM: it has no line with BEGIN"},
        Refused{R"([{"type": "data", "text": "", "hex": ""}])",
                "entry 1: a data object has one of \"text\", \"hex\" and \"file\""},
        Refused{R"([{"type": "data"}])", "entry 1: a data object has one of \"text\", \"hex\" and \"file\""},
        Refused{
            R"([{"type": "certificate", "label": "x"}])",
            "entry 1 (\"x\"): a certificate has \"pem\" or \"pem-file\", or the \"key\" that it is made for"},
        Refused{"[{\"type\": \"certificate\", \"pem\": \"" + pem + "\", \"days\": 3}]",
                "entry 1: a certificate that is given has no \"days\""},
        Refused{R"([{"type": "rsa", "certificate": {}}])",
                "entry 1, \"certificate\": a certificate of a key without label needs a \"subject\""},
        Refused{
            R"([{"type": "x25519", "label": "x", "certificate": {}}])",
            "entry 1 (\"x\"), \"certificate\": this key cannot sign its own certificate; name an \"issuer\""},
        Refused{R"([{"type": "rsa", "certificate": {"subject": "Root"}}])",
                "entry 1, \"certificate\": the subject \"Root\" has a part \"Root\" without =; write it as "
                "\"CN=Name,O=Company\""},
        Refused{R"([{"type": "rsa", "certificate": {"subject": "CN=x,C=GER"}}])",
                "entry 1, \"certificate\": the subject \"CN=x,C=GER\" has a C that is not two letters"},
        Refused{R"([{"type": "rsa", "certificate": {"subject": "CN="}}])",
                "entry 1, \"certificate\": the subject \"CN=\" has no value for CN"},
        Refused{R"([{"type": "rsa", "label": "x", "certificate": {"serial": "0000"}}])",
                "entry 1 (\"x\"), \"certificate\": \"serial\" is zero"},
        Refused{R"([{"type": "rsa", "label": "x", "certificate": {"dns": "localhost"}}])",
                "entry 1 (\"x\"), \"certificate\": \"dns\" is not a list of at most 100 texts"});
    CHECK(refusal(refused.list) == refused.message);
}

TEST_CASE("an issuer is one entry that stands before") {
    CHECK(refusal("[" + key + R"(, {"type": "rsa", "label": "x", "certificate": {"issuer": "root"}}])")
              .empty());
    CHECK(refusal(R"([{"type": "rsa", "label": "x", "certificate": {"issuer": "root"}}, )" + key + "]") ==
          "entry 1 (\"x\"), \"certificate\": \"issuer\" is \"root\", and no such entry is before this one; "
          "there is none that "
          "could be it");
    CHECK(refusal("[" + key + R"(, {"type": "rsa", "label": "x", "certificate": {"issuer": "roots"}}])") ==
          "entry 2 (\"x\"), \"certificate\": \"issuer\" is \"roots\", and no such entry is before this one; "
          "known are root");
    CHECK(refusal("[" + key + "," + key +
                  R"(, {"type": "rsa", "label": "x", "certificate": {"issuer": "root"}}])") ==
          "entry 3 (\"x\"), \"certificate\": \"issuer\" is \"root\", which several entries are called; give "
          "them a \"name\"");
    CHECK(refusal("[" + key + R"(, {"type": "certificate", "key": "roots"}])") ==
          "entry 2: \"key\" is \"roots\", and no such entry is before this one; known are root");
    const std::string named = R"({"type": "rsa", "label": "root", "name": "other", "certificate": {}})";
    CHECK(refusal("[" + key + "," + named + R"(, {"type": "certificate", "key": "other", "issuer": "root"}])")
              .empty());
}

TEST_CASE("what is not a list in JSON is refused") {
    CHECK(refusal("{}") == "the content is not a list in square brackets");
    CHECK(refusal("[7]") == "entry 1: is not an object in braces");
    CHECK(refusal("[{\"type\": \"aes\", \"type\": \"rsa\"}]") ==
          "the content gives the member \"type\" twice in one object");
    const std::string twice = R"({"type": "aes", "attributes": {"sign": true}})";
    CHECK(refusal("[" + twice + "," + twice + "]").empty());
    CHECK(refusal("[\n{\"type\": aes}]").starts_with("the content is not JSON: line 2, column 10: "));
    CHECK(refusal("").starts_with("the content is not JSON: line 1, column 1: "));
    CHECK(refusal("[{\"type\": \"aes\", \"label\": \"\xff\"}]").starts_with("the content is not JSON: "));
}

TEST_CASE("a list has bounds") {
    CHECK(refusal(std::string(5U << 20U, ' ')) == "the content is larger than 4 MiB");
    CHECK(refusal(std::string(100'000, '[')) == "the content is nested deeper than 8 levels");
    CHECK(refusal(R"([{"type": "rsa", "count": 10000, "label": "a"}, {"type": "rsa", "count": 10000},
                      {"type": "rsa", "count": 5001, "label": "b"}])") ==
          "entry 3 (\"b\"): with it the content has more than 50000 objects");
    std::string many = "[{\"type\": \"aes\"}";
    for (int i = 0; i < 10'000; ++i) {
        many += ",{\"type\": \"aes\"}";
    }
    CHECK(refusal(many + "]") == "the content has more than 10000 entries");
    CHECK(refusal("[{\"type\": \"aes\", \"label\": \"" + std::string(256, 'x') + "\"}]") ==
          "entry 1: \"label\" is longer than 255 bytes");
}

TEST_CASE("files are read from beside the list, and become part of it") {
    const TemporaryFolder folder("content");
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder.path() / name, std::ios::binary) << text;
    };
    const std::string comment = "Subject: \xc3\xbc\n";
    write("key.pem", comment + "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
    write("data.bin", std::string("\0\xff", 2));
    write("list.json", R"([{"type": "key", "pem-file": "key.pem"}, {"type": "data", "file": "data.bin"}])");
    CHECK(TokenContent::read(folder.path() / "list.json") ==
          TokenContent::parse(
              R"([{"type": "key", "pem": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"},
                                  {"type": "data", "hex": "00ff"}])"));

    const auto in_list = [&](const std::string& list) {
        write("list.json", list);
        try {
            static_cast<void>(TokenContent::read(folder.path() / "list.json"));
        } catch (const InvalidContent& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    const std::string start = "\"" + (folder.path() / "list.json").string() + "\": entry 1: ";
    const auto path = [&](const char* name) { return "\"" + (folder.path() / name).string() + "\""; };
    CHECK(in_list(R"([{"type": "key", "pem-file": "none.pem"}])") ==
          start + "\"pem-file\": " + path("none.pem") + " is not a file");
    CHECK(in_list(R"([{"type": "data", "file": "."}])") ==
          start + "\"file\": " + path(".") + " is not a file");
    CHECK(in_list(R"([{"type": "key", "pem-file": "data.bin"}])") ==
          start + "\"pem-file\" names a file that is not PEM");
    CHECK(in_list(R"([{"type": "key", "pem-file": "key.pem", "pem": ""}])") ==
          start + "\"pem\" and \"pem-file\" are both given; leave one out");
    CHECK(in_list(R"([{"type": "data", "file": "data.bin", "hex": ""}])") ==
          start + "\"hex\" and \"file\" are both given; leave one out");
    write("large.bin", std::string((1U << 20U) + 1, 'x'));
    CHECK(in_list(R"([{"type": "data", "file": "large.bin"}])") ==
          start + "\"file\": " + path("large.bin") + " is larger than 1 MiB");
    CHECK_THROWS_AS(TokenContent::read(folder.path() / "no-list.json"), InvalidContent);
}
