// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace keyway::test;

std::string openssl_text(const Workshop& shop, const std::string& kind, const std::string& file) {
    return shop.run({"openssl", kind, "-in", file, "-noout", "-text"});
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A root in a file key and an intermediate in a database key.
struct Authorities {
    Workshop shop;

    Authorities() {
        shop.make_root("root");
        shop.succeed(
            {"key", "create", "--backend", "db", "--type", "p-384", "--label", "ca", "--out", "ca.ref"});
        shop.succeed({"ca", "create", "--key", "ca.ref", "--subject", "CN=Example CA 1,O=Example", "--issuer",
                      "root.pem", "--issuer-key", "file:root", "--path-length", "0", "--crl-url",
                      "http://crl.example.invalid/root", "--out", "ca.pem"});
    }
};

TEST_CASE("a chain from root to server verifies in OpenSSL") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    const auto ca = openssl_text(shop, "x509", "ca.pem");
    CHECK(contains(ca, "CA:TRUE, pathlen:0"));
    CHECK(contains(ca, "URI:http://crl.example.invalid/root"));

    shop.run({"openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-keyout", "www.key", "-subj", "/CN=www.example.invalid", "-addext",
              "subjectAltName=DNS:www.example.invalid", "-out", "www.csr"});
    const auto issued =
        shop.succeed_json({"cert", "issue", "--profile", "server", "--csr", "www.csr", "--issuer", "ca.pem",
                           "--issuer-key", "ca.ref", "--days", "30", "--out", "www.pem"});
    CHECK(issued.at("subject") == "CN=www.example.invalid");
    CHECK(issued.at("issuer") == "CN=Example CA 1,O=Example");
    CHECK(issued.at("pem") == shop.read("www.pem"));
    CHECK(shop.run({"openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
                    "www.example.invalid", "-CAfile", "root.pem", "-untrusted", "ca.pem", "www.pem"}) ==
          "www.pem: OK\n");
}

TEST_CASE("names given replace those of the request") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    shop.run({"openssl", "req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "www.key", "-subj",
              "/CN=asked", "-addext", "subjectAltName=DNS:asked.invalid", "-out", "www.csr"});
    shop.succeed({"cert", "issue", "--profile", "server", "--csr", "www.csr", "--subject", "CN=given",
                  "--san", "dns:a.invalid,ip:192.0.2.1,uri:https://a.invalid/x,y", "--san", "ip:2001:db8::1",
                  "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--out", "www.pem"});
    const auto text = openssl_text(shop, "x509", "www.pem");
    // OpenSSL 3.0 writes blanks around the equals sign, later ones do not.
    CHECK((contains(text, "Subject: CN = given\n") || contains(text, "Subject: CN=given\n")));
    CHECK(contains(
        text,
        "DNS:a.invalid, IP Address:192.0.2.1, URI:https://a.invalid/x,y, IP Address:2001:DB8:0:0:0:0:0:1"));
    CHECK_FALSE(contains(text, "asked"));
}

TEST_CASE("an OCSP responder and a client are certified by key") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    static_cast<void>(shop.make_key("ocsp"));
    shop.succeed({"cert", "issue", "--profile", "ocsp", "--key", "file:ocsp", "--subject", "CN=OCSP",
                  "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--out", "ocsp.pem"});
    CHECK(contains(openssl_text(shop, "x509", "ocsp.pem"), "OCSP Signing"));
    const auto day = line(shop.run({"date", "-u", "-d", "+100 days", "+%Y-%m-%d"}));
    const auto issued = shop.succeed_json({"cert", "issue", "--profile", "client", "--key", "file:ocsp",
                                           "--subject", "CN=someone", "--issuer", "ca.pem", "--issuer-key",
                                           "ca.ref", "--not-after", day, "--out", "client.pem"});
    CHECK(issued.at("not-after") == day + "T00:00:00Z");
    CHECK(contains(openssl_text(shop, "x509", "client.pem"), "TLS Web Client Authentication"));
}

TEST_CASE("the usual validity ends with that of the issuer, one asked for must not go beyond") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    static_cast<void>(shop.make_key("short"));
    shop.succeed({"ca", "create", "--key", "file:short", "--subject", "CN=short", "--days", "10", "--out",
                  "short.pem"});
    const auto issue = [](const std::string& file) {
        return std::vector<std::string>{"cert",         "issue",      "--profile", "client",   "--key",
                                        "file:root",    "--subject",  "CN=x",      "--issuer", "short.pem",
                                        "--issuer-key", "file:short", "--out",     file};
    };
    shop.succeed(issue("client.pem"));
    CHECK(shop.run({"openssl", "x509", "-in", "client.pem", "-noout", "-enddate"}) ==
          shop.run({"openssl", "x509", "-in", "short.pem", "-noout", "-enddate"}));
    auto too_long = issue("other.pem");
    too_long.insert(too_long.end(), {"--days", "11"});
    shop.fail(too_long, 11, "invalid_argument");
    CHECK_FALSE(shop.has("other.pem"));
}

TEST_CASE("a revocation list holds what is given") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    shop.succeed({"cert", "issue", "--profile", "client", "--key", "file:root", "--subject", "CN=x",
                  "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--out", "client.pem"});
    const auto json = shop.succeed_json({"crl",
                                         "issue",
                                         "--issuer",
                                         "ca.pem",
                                         "--issuer-key",
                                         "ca.ref",
                                         "--number",
                                         "7",
                                         "--days",
                                         "3",
                                         "--revoke",
                                         "0A:ff:superseded:2026-01-02T03:04:05Z",
                                         "--revoke",
                                         "0b",
                                         "--revoke",
                                         "0c:keyCompromise",
                                         "--revoke-certificate",
                                         "client.pem:cessationOfOperation:2026-02-03T04:05:06Z",
                                         "--out",
                                         "ca.crl"});
    CHECK(json.at("number") == 7);
    CHECK(json.at("revoked") == 4);
    const auto text = openssl_text(shop, "crl", "ca.crl");
    CHECK(contains(text, "X509v3 CRL Number: \n                7\n"));
    CHECK(contains(text, "Serial Number: 0AFF\n        Revocation Date: Jan  2 03:04:05 2026 GMT\n"));
    CHECK(contains(text, "Serial Number: 0B\n"));
    CHECK(contains(text, "Revocation Date: Feb  3 04:05:06 2026 GMT\n"));
    CHECK(contains(text, "Cessation Of Operation"));
    CHECK(contains(text, "Key Compromise"));
    shop.run({"sh", "-c", "cat root.pem ca.pem > both.pem"});
    shop.run({"openssl", "crl", "-in", "ca.crl", "-CAfile", "both.pem", "-noout"});
    CHECK(keyway::test::run(
              {"openssl", "verify", "-crl_check", "-CAfile", "both.pem", "-CRLfile", "ca.crl", "client.pem"},
              {.folder = shop.path("")})
              .err.find("certificate revoked") != std::string::npos);

    shop.fail({"crl", "issue", "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--number", "8",
               "--revoke-certificate", "root.pem", "--out", "other.crl"},
              11, "invalid_argument");
    shop.fail({"crl", "issue", "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--number", "8",
               "--revoke-certificate", "client.pem:superseded:yesterday", "--out", "other.crl"},
              11, "invalid_argument");
    CHECK_FALSE(shop.has("other.crl"));

    // A lower number takes nothing back from those who have the list.
    const std::vector<std::string> lower{"crl",      "issue", "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--number",
                                         "6", "--out", "ca.crl", "--force"};
    const auto before = shop.read("ca.crl");
    CHECK(shop.fail(lower, 11, "invalid_argument").starts_with("the list in \"ca.crl\" has the higher number 7\n"));
    CHECK(shop.read("ca.crl") == before);
    auto same = lower;
    same[7] = "7";
    CHECK(shop.fail(same, 11, "invalid_argument").starts_with("the list in \"ca.crl\" has the same number 7\ngive a higher one: --number 8"));
    auto meant = lower;
    meant.insert(meant.end(), {"--older", "--revoke", "0AFF", "--revoke-certificate", "client.pem"});
    const auto result = shop.keyway(meant);
    CHECK(result.status == 0);
    CHECK(shop.read("ca.crl") != before);
    // Of those that were revoked before, two are left out.
    CHECK(result.err ==
          "keyway: warning: what the list in \"ca.crl\" has as revoked and the new one has not, holds again: 0B, 0C; unless it has expired, or "
          "was on hold, give it again with --revoke and its time\n");
    auto next = lower;
    next[7] = "8";
    next.insert(next.end(), {"--revoke", "0aff", "--revoke-certificate", "client.pem"});
    CHECK(shop.succeed_json(next).at("no-longer-revoked").empty());
    next.resize(next.size() - 2);
    next[7] = "9";
    next.insert(next.begin(), "--json");
    const auto dry = [&] {
        auto all = next;
        all.emplace_back("--dry-run");
        return shop.keyway(all);
    }();
    CHECK(Json::parse(dry.out).at("no-longer-revoked").size() == 1);
    CHECK(Json::parse(dry.err).at("warning").at("message").get<std::string>().starts_with("what the list in \"ca.crl\" has as revoked"));
}

TEST_CASE("certificates and lists go to standard output for a dash") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    const auto pem =
        shop.succeed({"ca", "create", "--key", "file:root", "--subject", "CN=again", "--out", "-"});
    CHECK(pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    CHECK(pem.ends_with("-----END CERTIFICATE-----\n"));
    const auto list = shop.succeed(
        {"crl", "issue", "--issuer", "ca.pem", "--issuer-key", "ca.ref", "--number", "1", "--out", "-"});
    CHECK(list.starts_with("-----BEGIN X509 CRL-----\n"));
    CHECK(shop.succeed_json({"ca", "create", "--key", "file:root", "--subject", "CN=again", "--out", "-"})
              .at("pem")
              .get<std::string>()
              .starts_with("-----BEGIN CERTIFICATE-----\n"));
}

TEST_CASE("a certificate for a key of a kind that is not known is told as that") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    shop.run({"openssl", "x509", "-in", "root.pem", "-outform", "DER", "-out", "root.der"});
    auto der = shop.read("root.der");
    const std::string ec_public_key("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 9);
    const auto at = der.find(ec_public_key);
    REQUIRE(at != std::string::npos);
    der[at + ec_public_key.size() - 1] = '\x7f';
    shop.write("unknown.der", der);
    const std::vector<std::string> issuer{"--issuer", "unknown.der", "--issuer-key", "file:root", "--out", "x"};
    for(std::vector<std::string> command : std::vector<std::vector<std::string>>{
            {"ca", "create", "--key", "ca.ref", "--subject", "CN=x"},
            {"cert", "issue", "--profile", "client", "--key", "ca.ref", "--subject", "CN=x"},
            {"crl", "issue", "--number", "1"}}) {
        command.insert(command.end(), issuer.begin(), issuer.end());
        CHECK(shop.fail(command, 26, "unsupported").starts_with("the public key of the certificate \"CN=root\" cannot be read: "));
    }
    shop.run({"openssl", "genpkey", "-algorithm", "ed25519", "-out", "in.pem"});
    CHECK(shop.fail({"key", "store", "--in", "in.pem", "--label", "x", "--certificate", "unknown.der"}, 26, "unsupported")
              .starts_with("the certificate \"unknown.der\" is for a key of a kind not known here"));
    CHECK_FALSE(shop.has("x"));
}

TEST_CASE("an issuer's certificate and key have to belong together") {
    const Authorities authorities;
    const auto& shop = authorities.shop;
    shop.fail({"crl", "issue", "--issuer", "ca.pem", "--issuer-key", "file:root", "--number", "1", "--out",
               "x.crl"},
              23, "key_mismatch");
    shop.fail(
        {"ca", "create", "--key", "ca.ref", "--subject", "CN=x", "--issuer", "root.pem", "--out", "x.pem"}, 2,
        "usage");
    CHECK_FALSE(shop.has("x.crl"));
    CHECK_FALSE(shop.has("x.pem"));
}

}  // namespace
