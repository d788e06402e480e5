// SPDX-License-Identifier: BSD-2-Clause
#include "token_workshop.hpp"

#include <audit.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <support/raises.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace keyway::test;
namespace fs = std::filesystem;

/// Settings that name an audit record, with a token, and a backend that is away whose fallback is the file one.
struct AuditedWorkshop : WorkshopWithToken {
    AuditedWorkshop() {
        auto json = Json::parse(shop.read("keyway.json"));
        json["audit"] = "audit.jsonl";
        auto away = token_settings();
        away["token-label"] = "away";
        away["fallback"] = {{"leaf", "file"}};
        json["backends"]["away"] = away;
        shop.write("keyway.json", json.dump());
        shop.write("text", "what is signed");
    }

    [[nodiscard]] std::vector<Json> lines() const {
        std::vector<Json> out;
        std::istringstream text(shop.has("audit.jsonl") ? shop.read("audit.jsonl") : "");
        for(std::string line; std::getline(text, line);) {
            out.push_back(Json::parse(line));
        }
        return out;
    }

    /// Operation, backend, label or reference, and outcome of each line.
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> out;
        for(const auto& entry : lines()) {
            const auto text = [&](const char* name) { return entry.at(name).is_null() ? "-" : entry.at(name).get<std::string>(); };
            out.push_back(text("operation") + " " + text("backend") + " " + text("spki-sha256").substr(0, 8) + " " + text("outcome"));
        }
        return out;
    }
};

std::string spki(const std::string& reference) {
    const std::string name = "spki-sha256=";
    return reference.substr(reference.find(name) + name.size(), 8);
}

TEST_CASE_METHOD(AuditedWorkshop, "each use of a key has a line, and none holds a secret") {
    const auto root = shop.make_key("root");
    const auto hsm = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "h"}));
    shop.run({"openssl", "genpkey", "-algorithm", "ed25519", "-out", "in.pem"});
    const auto stored = line(shop.succeed({"key", "store", "--in", "in.pem", "--backend", "db", "--label", "s"}));
    shop.succeed({"key", "sign", hsm, "--in", "text", "--out", "sig"});
    shop.succeed({"ca", "create", "--key", root, "--subject", "CN=root", "--out", "root.pem"});
    shop.succeed({"cert", "issue", "--profile", "ocsp", "--key", hsm, "--subject", "CN=ocsp", "--issuer", "root.pem",
                  "--issuer-key", root, "--out", "ocsp.pem"});
    shop.succeed({"crl", "issue", "--issuer", "root.pem", "--issuer-key", root, "--number", "7", "--out", "root.crl"});
    const auto moved = line(shop.succeed({"key", "migrate", stored, "file:m", "--remove-source", "--yes"}));
    shop.succeed({"key", "rewrap", "--backend", "db", "--dry-run"});
    shop.succeed({"ca", "create", "--key", hsm, "--subject", "CN=h", "--out", "h.pem"});
    shop.succeed({"key", "certificate", "--key", "hsm:h", "--in", "h.pem", "--dry-run"});
    shop.succeed({"key", "certificate", "--key", "hsm:h", "--in", "h.pem"});
    shop.succeed({"key", "remove", "hsm:h", "--yes"});
    CHECK(told() == std::vector<std::string>{
                        "create file " + spki(root) + " ok", "create hsm " + spki(hsm) + " ok",
                        "store db " + spki(stored) + " ok", "sign hsm " + spki(hsm) + " ok",
                        "sign-certificate file " + spki(root) + " ok", "sign-certificate file " + spki(root) + " ok",
                        "sign-crl file " + spki(root) + " ok",
                        // By which the new key was proven.
                        "sign file " + spki(stored) + " ok", "migrate db " + spki(stored) + " ok",
                        "remove db " + spki(stored) + " ok", "sign-certificate hsm " + spki(hsm) + " ok",
                        "keep-certificate hsm " + spki(hsm) + " ok", "remove hsm " + spki(hsm) + " ok"});
    const auto all = lines();
    std::vector<std::string> names;
    for(const auto& [name, value] : all[3].items()) {
        names.push_back(name);
    }
    CHECK(names == std::vector<std::string>{"keyway-audit", "time", "uid", "pid", "operation", "backend", "label", "reference",
                                            "spki-sha256", "fallback-from", "object", "outcome", "failures", "repeated"});
    CHECK(all[3].at("reference") == hsm);
    CHECK(all[3].at("repeated") == false);
    CHECK(all[3].at("time").get<std::string>().ends_with("Z"));
    CHECK(all[0].at("label") == "root");
    const auto serial = shop.run({"openssl", "x509", "-in", "ocsp.pem", "-noout", "-serial"});
    auto object = all[5].at("object").get<std::string>();
    std::ranges::transform(object, object.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    CHECK(serial == "serial=" + object + "\n");
    CHECK(all[6].at("object") == "7");
    CHECK(all[8].at("object") == moved);
    const auto kept = shop.run({"openssl", "x509", "-in", "h.pem", "-noout", "-serial"});
    CHECK(kept.size() == all[11].at("object").get<std::string>().size() + std::string("serial=\n").size());
    const auto text = shop.read("audit.jsonl");
    CHECK(text.find(token().user_pin()) == std::string::npos);
    CHECK(text.find(passphrase) == std::string::npos);
    struct stat status {};
    REQUIRE(::stat(shop.path("audit.jsonl").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE_METHOD(AuditedWorkshop, "what fails has a line too, with the class of its error") {
    const auto key = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "h"}));
    fs::remove(shop.path("audit.jsonl"));
    shop.fail_once({"key", "sign", "file:gone", "--in", "text"}, 20, "key_not_found");
    shop.environment["WRONG"] = "4711";
    shop.fail_once({"key", "sign", key, "--in", "text", "--user-pin", "env:WRONG"}, 13, "pin_incorrect");
    shop.make_root("a");
    std::filesystem::rename(shop.path("a.pem"), shop.path("c.pem"));
    shop.fail_once({"key", "create", "--type", "p-256", "--label", "a"}, 22, "already_exists");
    shop.fail_once({"key", "remove", "file:gone", "--yes"}, 20, "key_not_found");
    shop.fail_once({"key", "migrate", "file:gone", "db:new"}, 20, "key_not_found");
    shop.fail_once({"key", "certificate", "--key", "file:gone", "--in", "c.pem"}, 26, "unsupported");
    CHECK(told() == std::vector<std::string>{"sign file - key_not_found", "sign hsm " + spki(key) + " pin_incorrect",
                                             "create file " + lines()[2].at("spki-sha256").get<std::string>().substr(0, 8) + " ok",
                                             "sign-certificate file " + lines()[2].at("spki-sha256").get<std::string>().substr(0, 8) + " ok",
                                             "create file - already_exists", "remove file - key_not_found",
                                             "migrate file - key_not_found", "keep-certificate file - unsupported"});
    for(const std::size_t at : {0U, 5U, 6U, 7U}) {
        CHECK(lines()[at].at("label") == "gone");
    }
    CHECK(shop.read("audit.jsonl").find("4711\"") == std::string::npos);
    CHECK(lines()[4].at("label") == "a");
}

TEST_CASE_METHOD(AuditedWorkshop, "a key made by fallback says so at each use") {
    const auto created = shop.keyway({"--set", "default-backend=away", "key", "create", "--purpose", "leaf", "--type", "p-256",
                                      "--label", "l", "--out", "l.ref"});
    REQUIRE(created.status == 0);
    REQUIRE(shop.keyway({"key", "sign", "l.ref", "--in", "text", "--out", "sig"}).status == 0);
    const auto all = lines();
    REQUIRE(all.size() == 2);
    CHECK(all[0].at("operation") == "create");
    CHECK(all[1].at("operation") == "sign");
    for(const auto& entry : all) {
        CHECK(entry.at("backend") == "file");
        CHECK(entry.at("fallback-from") == "away");
    }
}

TEST_CASE_METHOD(AuditedWorkshop, "the key in a token that a database's keys are under has lines of its own") {
    const auto wrapping = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", "rsa-2048", "--label", "w", "--usage",
                                             "decrypt"}));
    const std::vector<std::string> under{"--set", "db2.type=database", "--set", "db2.path=2.db", "--set",
                                         "db2.wrapping-key=" + wrapping};
    const auto with = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), under.begin(), under.end());
        return arguments;
    };
    const auto key = line(shop.succeed(with({"key", "create", "--backend", "db2", "--type", "p-256", "--label", "k"})));
    fs::remove(shop.path("audit.jsonl"));
    shop.succeed(with({"key", "sign", key, "--in", "text", "--out", "sig"}));
    CHECK(told() == std::vector<std::string>{"decrypt hsm " + spki(wrapping) + " ok", "sign db2 " + spki(key) + " ok"});
}

TEST_CASE_METHOD(AuditedWorkshop, "so has an AES key: its label, and each use that opens the database") {
    const std::vector<std::string> under{"--set", "db2.type=database", "--set", "db2.path=2.db", "--set", "db2.wrapping-key=hsm:kek"};
    const auto with = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), under.begin(), under.end());
        return arguments;
    };
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "aes-256", "--label", "kek"});
    const auto key = line(shop.succeed(with({"key", "create", "--backend", "db2", "--type", "p-256", "--label", "k"})));
    CHECK(told() == std::vector<std::string>{"create hsm - ok", "identify hsm - ok", "wrap hsm - ok", "create db2 " + spki(key) + " ok"});
    fs::remove(shop.path("audit.jsonl"));
    shop.succeed(with({"key", "sign", key, "--in", "text", "--out", "sig"}));
    CHECK(told() == std::vector<std::string>{"identify hsm - ok", "unwrap hsm - ok", "sign db2 " + spki(key) + " ok"});
    CHECK(lines()[1].at("label") == "kek");
    fs::remove(shop.path("audit.jsonl"));
    shop.succeed({"key", "remove", "hsm:kek", "--yes"});
    CHECK(told() == std::vector<std::string>{"remove hsm - ok"});
    CHECK(lines()[0].at("label") == "kek");
}

TEST_CASE_METHOD(AuditedWorkshop, "config check makes no record, unless it uses a key, and tells one that cannot be") {
    shop.make_key("a");
    fs::remove(shop.path("audit.jsonl"));
    CHECK(shop.succeed_json({"config", "check", "--set", "away.token-label=" + token().label()}).at("faults").empty());
    CHECK_FALSE(shop.has("audit.jsonl"));
    shop.succeed({"--set", "away.token-label=" + token().label(), "config", "check", "--open"});
    CHECK_FALSE(shop.has("audit.jsonl"));
    // A key of a token is used on the way, which is recorded.
    shop.succeed({"key", "create", "--backend", "hsm", "--type", "aes-256", "--label", "kek"});
    const std::vector<std::string> under{"--set", "away.token-label=" + token().label(), "--set", "db.wrapping-key=hsm:kek"};
    auto create = under;
    create.insert(create.end(), {"key", "create", "--backend", "db", "--type", "p-256", "--label", "k"});
    shop.succeed(create);
    fs::remove(shop.path("audit.jsonl"));
    auto open = under;
    open.insert(open.end(), {"config", "check", "--open"});
    shop.succeed(open);
    CHECK(told() == std::vector<std::string>{"identify hsm - ok", "unwrap hsm - ok"});
}

TEST_CASE_METHOD(AuditedWorkshop, "a signature that the token may have made twice says so") {
    const auto key = line(shop.succeed({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "h"}));
    softhsm_fixtures::FaultModule fault(token().module_path());
    fault.inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "when": "after", "times": 1})");
    fs::remove(shop.path("audit.jsonl"));
    shop.succeed({"--set", "hsm.module=" + fault.path().string(), "key", "sign", key, "--in", "text", "--out", "sig"});
    const auto all = lines();
    REQUIRE(all.size() == 1);
    CHECK(all[0].at("operation") == "sign");
    CHECK(all[0].at("outcome") == "ok");
    CHECK(all[0].at("failures") == 1);
    CHECK(all[0].at("repeated") == true);
}

TEST_CASE_METHOD(AuditedWorkshop, "where the record cannot be opened, nothing is done") {
    const auto key = shop.make_key("a");
    fs::remove(shop.path("audit.jsonl"));
    shop.write("open", "");
    fs::permissions(shop.path("open"), fs::perms(0644));
    fs::create_symlink("elsewhere", shop.path("link"));
    fs::create_directory(shop.path("folder"));
    REQUIRE(::mkfifo(shop.path("pipe").c_str(), 0600) == 0);
    const auto keys = shop.succeed({"key", "list"});
    for(const auto& [name, status, code] : {std::tuple{"nowhere/audit", 27, "storage_failed"},
                                            {"link", 27, "storage_failed"},
                                            {"folder", 27, "storage_failed"},
                                            {"pipe", 27, "storage_failed"},
                                            {"open", 25, "permissions_insecure"}}) {
        INFO(name);
        const std::string file = name;
        shop.fail({"--audit", file, "key", "sign", key, "--in", "text", "--out", "sig"}, status, code);
        shop.fail({"--audit", file, "key", "create", "--type", "p-256", "--label", "b"}, status, code);
        shop.fail({"--audit", file, "key", "remove", key, "--yes"}, status, code);
        shop.fail({"--audit", file, "key", "create", "--type", "p-256", "--label", "b", "--dry-run"}, status, code);
        const auto checked = shop.keyway({"--json", "--audit", file, "config", "check"});
        CHECK(checked.status == status);
        CHECK(Json::parse(checked.out).at("faults").at(0).at("code") == code);
    }
    CHECK(shop.succeed({"key", "list"}) == keys);
    CHECK_FALSE(shop.has("sig"));
    CHECK_FALSE(shop.has("elsewhere"));
    CHECK_FALSE(shop.has("audit.jsonl"));
}

TEST_CASE_METHOD(AuditedWorkshop, "a dry run has no line, and the flag goes before the settings") {
    shop.succeed({"key", "create", "--type", "p-256", "--label", "a", "--dry-run"});
    shop.succeed({"key", "list"});
    CHECK_FALSE(shop.has("audit.jsonl"));
    shop.succeed({"key", "create", "--type", "p-256", "--label", "a", "--audit", "other.jsonl"});
    CHECK_FALSE(shop.has("audit.jsonl"));
    CHECK(shop.read("other.jsonl").starts_with("{\"keyway-audit\":1,"));
}

TEST_CASE_METHOD(AuditedWorkshop, "what cannot be recorded is not handed out: no signature, and no key") {
    shop.make_key("a");
    const auto before = shop.read("audit.jsonl");
    // A record that is as large as the process may make a file, but for a few bytes.
    const std::string filled = before + std::string(8192 - 20 - before.size(), ' ') + "\n";
    shop.write("audit.jsonl", filled);
    const auto limited = [&](const std::string& arguments) {
        const auto script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" " + arguments;
        return run({"bash", "-c", script, KEYWAY_COMMAND}, {.input = {}, .environment = shop.environment, .folder = shop.path("")});
    };
    const auto keys = shop.succeed({"key", "list"});
    for(const std::string arguments : {"key sign file:a --in text --out sig", "key sign file:a --in text --format hex",
                                       "key create --type p-256 --label b", "key migrate file:a file:c",
                                       "key create --backend hsm --type aes-256 --label kek"}) {
        const auto result = limited(arguments);
        INFO(arguments << "\n" << result.err);
        CHECK(result.status == 27);
        CHECK(result.out.empty());
        CHECK(result.err.starts_with("keyway: error: cannot add to the audit record \"audit.jsonl\""));
        CHECK(shop.read("audit.jsonl") == filled);
    }
    CHECK(shop.succeed({"key", "list"}) == keys);
    CHECK(shop.succeed_json({"key", "list", "--backend", "hsm"}).at("wrapping-keys").empty());
    CHECK_FALSE(shop.has("sig"));
    for(const auto& entry : fs::directory_iterator(shop.path(""))) {
        CHECK_FALSE(entry.path().filename().string().starts_with("migration-"));
    }
    const auto removed = limited("key remove file:a --yes");
    CHECK(removed.status == 27);
    CHECK(removed.err.starts_with("keyway: error: the key was removed, but that was not recorded: cannot add"));
}

TEST_CASE_METHOD(AuditedWorkshop, "where only the removal of a moved key cannot be recorded, the error says where the key is now") {
    shop.make_key("a");
    shop.make_key("b");
    const auto empty = shop.read("audit.jsonl").size();
    shop.succeed({"key", "migrate", "file:a", "file:c", "--remove-source", "--yes", "--receipt", "a.json"});
    const auto before = shop.read("audit.jsonl");
    const auto last = before.size() - before.rfind('\n', before.size() - 2);
    // As much room as the lines before that of the removal take, and half of that one.
    const auto room = before.size() - empty - last / 2;
    shop.write("audit.jsonl", before + std::string(8192 - room - before.size() - 1, ' ') + "\n");
    const auto result = run({"bash", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" key migrate file:b file:d --remove-source --yes --receipt b.json",
                             KEYWAY_COMMAND},
                            {.input = {}, .environment = shop.environment, .folder = shop.path("")});
    INFO(result.err);
    CHECK(result.status == 27);
    const auto moved = Json::parse(shop.read("b.json")).at("to").get<std::string>();
    CHECK(result.err.starts_with("keyway: error: the key was removed, but that was not recorded: cannot add"));
    CHECK(result.err.find("keyway: hint: the new key is " + moved + "; the receipt is in \"b.json\"; ") != std::string::npos);
    CHECK(shop.succeed({"key", "check", moved}) == "ok\n");
}

TEST_CASE_METHOD(AuditedWorkshop, "a key that was made and is not handed out is in the record as removed again") {
    // A name that no file system takes is seen when the file is written only.
    shop.fail_once({"key", "create", "--type", "p-256", "--label", "a", "--out", std::string(300, 'x')}, 27, "storage_failed");
    const auto made = lines().at(0).at("spki-sha256").get<std::string>().substr(0, 8);
    CHECK(told() == std::vector<std::string>{"create file " + made + " ok", "remove file " + made + " ok"});
    CHECK(shop.succeed_json({"key", "list"}).at("keys").empty());
}

TEST_CASE_METHOD(AuditedWorkshop, "the record of the settings is one file, in whatever folder the command is called") {
    fs::create_directory(shop.path("settings"));
    fs::rename(shop.path("keyway.json"), shop.path("settings/keyway.json"));
    shop.succeed({"--config", "settings/keyway.json", "key", "create", "--type", "p-256", "--label", "a"});
    CHECK(shop.has("settings/audit.jsonl"));
    CHECK_FALSE(shop.has("audit.jsonl"));
    // What the command line names is in the current folder, as all that it names.
    shop.succeed({"--config", "settings/keyway.json", "key", "create", "--type", "p-256", "--label", "b", "--audit", "here.jsonl"});
    CHECK(shop.has("here.jsonl"));
}

TEST_CASE("the lines of others are waited for only so long") {
    const Workshop shop;
    const auto file = shop.path("audit.jsonl");
    const keyway::cli::AuditEntry entry{.operation = "sign"};
    keyway::cli::Audit audit(file, keyway::cli::Audit::Mode::write, std::chrono::milliseconds(50));
    audit.end(entry, nullptr);
    const auto before = shop.read("audit.jsonl");
    const int other = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::flock(other, LOCK_EX) == 0);
    const auto start = std::chrono::steady_clock::now();
    const auto error = raised([&] { audit.end(entry, nullptr); });
    const auto waited = std::chrono::steady_clock::now() - start;
    CHECK(error.code() == keyway::Errc::storage_failed);
    CHECK(error.message().starts_with("cannot lock the audit record "));
    CHECK(waited >= std::chrono::milliseconds(50));
    CHECK(waited < std::chrono::seconds(5));
    CHECK(shop.read("audit.jsonl") == before);
    ::close(other);
    audit.end(entry, nullptr);
    CHECK(shop.read("audit.jsonl").size() > before.size());
}

}  // namespace

TEST_CASE_METHOD(AuditedWorkshop, "a file that is no record is left alone, and half a line of before stays apart") {
    const auto root = shop.make_key("root");
    const auto sign = [&](const std::string& file) {
        return std::vector<std::string>{"--audit", file, "key", "sign", root, "--in", "text", "--out", file + ".sig"};
    };
    const auto put = [&](const std::string& name, const std::string& text) {
        shop.write(name, text);
        std::filesystem::permissions(shop.path(name), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    };
    put("secret", "a passphrase");
    shop.fail(sign("secret"), 27, "storage_failed");
    CHECK(shop.read("secret") == "a passphrase");
    put("record", R"({"keyway-audit":1,"half)");
    std::filesystem::create_hard_link(shop.path("record"), shop.path("second-name"));
    shop.fail(sign("record"), 27, "storage_failed");
    std::filesystem::remove(shop.path("second-name"));
    shop.succeed(sign("record"));
    const auto text = shop.read("record");
    CHECK(text.starts_with("{\"keyway-audit\":1,\"half\n{\"keyway-audit\":1,"));
    CHECK(Json::parse(text.substr(text.find('\n') + 1)).at("operation") == "sign");
    put("empty", "");
    shop.succeed(sign("empty"));
}
