// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <filesystem>

namespace {

using namespace keyway::test;
namespace fs = std::filesystem;

TEST_CASE("--force replaces no file that the call reads, by whatever name") {
    const Workshop shop;
    shop.make_root("root");
    shop.write("audit.jsonl", "");
    fs::permissions(shop.path("audit.jsonl"), fs::perms(0600));
    shop.write("root.ref", shop.make_key("other"));
    shop.write("message", "message");
    shop.run({"openssl", "genpkey", "-algorithm", "ed25519", "-out", "in.pem"});
    shop.run({"openssl", "req", "-new", "-key", "in.pem", "-subj", "/CN=x", "-out", "x.csr"});
    fs::create_hard_link(shop.path("root.pem"), shop.path("linked.pem"));
    static_cast<void>(shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "d"}));
    shop.write("secret", "a passphrase");
    const auto before = shop.snapshot();
    const auto crl = [&](const std::string& out) -> std::vector<std::string> {
        return {"crl", "issue", "--issuer", "root.pem", "--issuer-key", "file:root", "--number", "1", "--force", "--out", out};
    };
    const auto refused = [&](std::vector<std::string> arguments, const std::string& what) {
        const auto said = shop.fail(std::move(arguments), 2, "usage");
        CHECK(said.find(" is " + what + ", which --force does not replace\n") != std::string::npos);
        CHECK(shop.snapshot() == before);
    };
    refused(crl("root.pem"), "the file of --issuer");
    refused(crl("./keys/../root.pem"), "the file of --issuer");
    refused(crl("linked.pem"), "the file of --issuer");
    refused(crl("keyway.json"), "the settings file");
    refused(crl("keys/root.pem"), "a file of backend \"file\"");
    refused(crl("keys.db"), "a file of backend \"db\"");
    auto audited = crl("audit.jsonl");
    audited.insert(audited.begin(), {"--audit", "audit.jsonl"});
    refused(audited, "the audit record");
    auto revoked = crl("x.csr");
    revoked.insert(revoked.end(), {"--revoke-certificate", "x.csr:superseded"});
    refused(revoked, "the file of --revoke-certificate");
    refused({"key", "sign", "root.ref", "--in", "message", "--force", "--out", "message"}, "the file of --in");
    refused({"key", "sign", "root.ref", "--in", "message", "--force", "--out", "root.ref"}, "the file that names the key");
    refused({"key", "sign", "root.ref", "--in", "message", "--passphrase", "file:secret", "--force", "--out", "secret"},
            "the file of --passphrase");
    refused({"key", "store", "--in", "in.pem", "--label", "s", "--force", "--out", "in.pem"}, "the file of --in");
    refused({"cert", "issue", "--profile", "server", "--csr", "x.csr", "--issuer", "root.pem", "--issuer-key", "root.ref",
             "--force", "--out", "x.csr"},
            "the file of --csr");
    refused({"cert", "issue", "--profile", "server", "--csr", "x.csr", "--issuer", "root.pem", "--issuer-key", "root.ref",
             "--force", "--out", "root.ref"},
            "the file of --issuer-key");
    // What is no input is replaced as before, one of the name of a label among them.
    shop.write("root", "old");
    static_cast<void>(shop.succeed(crl("root")));
    CHECK(shop.read("root").starts_with("-----BEGIN X509 CRL-----"));
}

TEST_CASE("where a key was made and nobody can be told on standard output, the error has its reference") {
    const Workshop shop;
    const auto to_full = [&](const std::string& arguments) {
        return run({"sh", "-c", "exec \"$0\" " + arguments + " > /dev/full", KEYWAY_COMMAND},
                   {.input = {}, .environment = shop.environment, .folder = shop.path("")});
    };
    const auto told = [&](const ProcessResult& result, const std::string& what) {
        INFO(result.err);
        CHECK(result.status == 27);
        CHECK(result.err.starts_with("keyway: error: " + what + ", but telling so failed: cannot write to standard output: "));
        const std::string before = "keyway: hint: its reference is ";
        const auto at = result.err.find(before);
        REQUIRE(at != std::string::npos);
        return line(result.err.substr(at + before.size()));
    };
    const auto made = told(to_full("key create --type p-256 --label a"), "the key was made");
    CHECK(shop.succeed({"key", "check", made}) == "ok\n");
    const auto moved = told(to_full("key migrate file:a db:b"), "the key was moved");
    CHECK(shop.succeed({"key", "check", moved}) == "ok\n");
    CHECK(told(to_full("key remove file:a --yes"), "the key was removed") == made);
    shop.fail({"key", "check", made}, 20, "key_not_found");
    const auto json = to_full("--json key create --type p-256 --label j");
    CHECK(Json::parse(json.err).at("error").at("hint").get<std::string>().starts_with("its reference is keyway:1?"));
}

}  // namespace
