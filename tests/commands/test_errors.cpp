// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sqlite3.h>

#include <filesystem>
#include <unistd.h>

namespace {

using namespace keyway::test;
namespace fs = std::filesystem;

fs::perms mode(const fs::path& path) {
    return fs::status(path).permissions();
}

// The statuses of PIN and token errors are in test_tokens.cpp, those of keys in test_keys.cpp.

TEST_CASE("settings that are missing, malformed or wrong") {
    Workshop shop;
    CHECK(shop.fail({"--config", "nowhere.json", "key", "list"}, 27, "storage_failed") ==
          "there is no settings file \"nowhere.json\"\nit is named by --config: mend the name, or leave it out for the settings that `keyway "
          "config path` then shows");
    shop.write("other.json", "{\"version\": 1,");
    shop.fail({"--config", "other.json", "key", "list"}, 24, "malformed_data");
    shop.write("other.json", R"({"version": 1, "backend": {}})");
    const auto said = shop.fail({"--config", "other.json", "key", "list"}, 10, "invalid_option");
    CHECK(said.find("did you mean \"backends\"?") != std::string::npos);
    shop.write("other.json", R"({"version": 1, "backends": {"x": {"type": "fil"}}})");
    shop.fail({"--config", "other.json", "key", "list"}, 16, "backend_not_found");
    shop.fail({"key", "list", "--backend", "fiel"}, 16, "backend_not_found");
    shop.fail({"backend", "show", "fiel"}, 16, "backend_not_found");
    fs::remove(shop.path("keyway.json"));
    CHECK(shop.fail({"key", "list"}, 16, "backend_not_found").starts_with("no backend is configured\n"));
}

TEST_CASE("where there are no settings, it is said") {
    const Workshop shop;
    fs::remove(shop.path("keyway.json"));
    for(const auto& words : std::vector<std::vector<std::string>>{{"list"}, {"show", "file:root"}}) {
        std::vector<std::string> arguments{"key"};
        arguments.insert(arguments.end(), words.begin(), words.end());
        CHECK(shop.fail(arguments, 16, "backend_not_found")
                  .ends_with("\nno settings file was found; write keyway.json or give --config"));
    }
    shop.write("keyway.json", R"({"version": 1, "backends": {"a": {"type": "file", "path": "a"},
                                                               "b": {"type": "file", "path": "b"}}})");
    CHECK(shop.fail({"key", "list"}, 16, "backend_not_found").ends_with("\nchoose one with --backend: a, b"));
}

TEST_CASE("settings in a folder that others can write to are used only when they are named") {
    const Workshop shop;
    const auto folder = shop.path("");
    const auto before = mode(folder);
    const auto refused = [&] {
        CHECK(shop.fail({"key", "list"}, 25, "permissions_insecure").ends_with("--config keyway.json"));
        static_cast<void>(shop.succeed({"key", "list", "--config", "keyway.json"}));
    };
    fs::permissions(folder, before | fs::perms::others_write);
    refused();
    fs::permissions(folder, before);
    static_cast<void>(shop.succeed({"key", "list"}));
    if(::geteuid() == 0) {  // only root can give files away
        REQUIRE(::chown(shop.path("keyway.json").c_str(), 4711, 4711) == 0);
        refused();
        REQUIRE(::chown(shop.path("keyway.json").c_str(), 0, 0) == 0);
        REQUIRE(::chown(folder.c_str(), 4711, 4711) == 0);
        refused();
    } else {
        WARN("files of other users: not tried, as this is not root");
    }
}

TEST_CASE("what limits the process is an error, not its end") {
    const Workshop shop;
    static_cast<void>(shop.succeed({"key", "create", "--type", "ed25519", "--label", "ed"}));
    const auto limited = [&](const std::string& limit, const std::string& arguments) {
        return run({"sh", "-c", "ulimit " + limit + " && exec " KEYWAY_COMMAND " " + arguments},
                   {.environment = shop.environment, .folder = shop.path("")});
    };
    const auto full = limited("-f 2", "key create --type rsa-2048 --label x");
    CHECK(full.status == 27);
    CHECK(full.err.find("too large") != std::string::npos);
    CHECK_FALSE(shop.has("keys/x.pem"));

    shop.write("big", "");
    fs::resize_file(shop.path("big"), (256UL << 20U) + 1);
    CHECK(shop.fail({"key", "sign", "file:ed", "--in", "big"}, 26, "unsupported")
              .starts_with("\"big\" is larger than 256 MiB"));
}

TEST_CASE("messages name the file they are about") {
    const Workshop shop;
    shop.make_root("root");
    shop.write("other", "nothing");
    CHECK(shop.fail({"cert", "issue", "--profile", "server", "--csr", "root.pem", "--issuer", "root.pem",
                     "--issuer-key", "file:root", "--out", "x.pem"},
                    24, "malformed_data")
              .starts_with("\"root.pem\": "));
    CHECK(shop.fail({"crl", "issue", "--issuer", "other", "--issuer-key", "file:root", "--number", "1", "--out",
                     "x.crl"},
                    24, "malformed_data")
              .starts_with("\"other\": "));
    CHECK(shop.fail({"key", "check", "keys/root.pem"}, 24, "malformed_data").starts_with("\"keys/root.pem\": "));
}

TEST_CASE("a dry run of making a key refuses what the run would refuse") {
    Workshop shop;
    const std::vector<std::string> create{"key", "create", "--type", "p-256", "--dry-run"};
    // As a missing --type is told.
    CHECK(shop.fail(create, 2, "usage") == "--label is missing: the new key's name\ngive it: --label NAME");
    CHECK(shop.fail({"key", "create", "--type", "p-256"}, 2, "usage").starts_with("--label is missing"));
    auto labelled = create;
    labelled.insert(labelled.end(), {"--label", "x"});
    static_cast<void>(shop.succeed(labelled));
    labelled.insert(labelled.end(), {"--passphrase", "file:nowhere"});
    shop.fail(labelled, 12, "secret_unavailable");
}

TEST_CASE("settings are found where they are looked for, in order") {
    Workshop shop;
    const auto used = [&](const std::vector<std::string>& global) {
        auto arguments = global;
        arguments.insert(arguments.end(), {"backend", "list"});
        return shop.succeed_json(arguments).at("settings");
    };
    fs::create_directories(shop.path("config/keyway"));
    fs::copy_file(shop.path("keyway.json"), shop.path("config/keyway/keyway.json"));
    fs::copy_file(shop.path("keyway.json"), shop.path("named.json"));
    CHECK(used({}) == "keyway.json");
    CHECK(used({"--config", "named.json"}) == "named.json");
    shop.environment["KEYWAY_CONFIG"] = "named.json";
    CHECK(used({}) == "named.json");
    shop.environment["KEYWAY_CONFIG"] = "";
    fs::remove(shop.path("keyway.json"));
    CHECK(used({}) == shop.path("config/keyway/keyway.json").string());
    fs::rename(shop.path("config"), shop.path(".config"));
    shop.environment["XDG_CONFIG_HOME"] = "";
    CHECK(used({}) == shop.path(".config/keyway/keyway.json").string());
}

TEST_CASE("--set adds to the settings and changes them") {
    const Workshop shop;
    static_cast<void>(
        shop.succeed({"--set", "file.path=elsewhere", "key", "create", "--type", "p-256", "--label", "x"}));
    CHECK(shop.has("elsewhere/x.pem"));
    CHECK(shop.succeed_json({"key", "list", "--set", "default-backend=db"}).at("backend") == "db");
    shop.fail({"--set", "hsm.module=x", "key", "list"}, 10, "invalid_option");
    shop.fail({"--set", "nonsense", "key", "list"}, 10, "invalid_option");
    shop.fail({"--set", "file.nonsense=1", "key", "list"}, 10, "invalid_option");
    shop.fail({"--set", "default-backend=nonsense", "key", "list"}, 16, "backend_not_found");
}

TEST_CASE("an option in the wrong place is told where it belongs") {
    const Workshop shop;
    const auto said = shop.fail({"key", "create", "--type", "p-256", "--label", "x", "--path", "elsewhere"},
                                10, "invalid_option");
    CHECK(said == "the option \"path\" of backend \"file\" does not belong in create (--path)\nit belongs "
                  "in: settings");
    const auto other = shop.fail({"key", "list", "--file-label", "x"}, 10, "invalid_option");
    CHECK(other == "the option \"label\" of backend \"file\" does not belong in use (--file-label)\n"
                   "it belongs in: create, store, adopt");
    const auto foreign = shop.fail({"key", "list", "--user-pin", "env:X"}, 10, "invalid_option");
    CHECK(foreign.starts_with("backend \"file\" has no option \"user-pin\" (--user-pin)\n"));
}

TEST_CASE("malformed values") {
    const Workshop shop;
    shop.make_root("root");
    const auto ca = [](const std::string& subject) {
        return std::vector<std::string>{"ca",        "create", "--key", "file:root",
                                        "--subject", subject,  "--out", "x.pem"};
    };
    shop.fail(ca("root"), 11, "invalid_argument");
    auto with_end = ca("CN=x");
    with_end.insert(with_end.end(), {"--not-after", "2030-02-30"});
    shop.fail(with_end, 11, "invalid_argument");
    with_end.insert(with_end.end(), {"--days", "3"});
    shop.fail(with_end, 2, "usage");
    auto with_days = ca("CN=x");
    with_days.insert(with_days.end(), {"--days", "ten"});
    shop.fail(with_days, 2, "usage");
    shop.fail({"key", "create", "--type", "dsa-1024", "--label", "x"}, 26, "unsupported");
    shop.fail({"key", "sign", "file:root", "--in", "keyway.json", "--scheme", "md5"}, 26, "unsupported");
    shop.fail({"key", "show", "keyway:1?nonsense"}, 24, "malformed_data");
    shop.fail({"key", "show", "nothing"}, 11, "invalid_argument");
    shop.fail({"key", "show", "fiel:root"}, 16, "backend_not_found");
    shop.fail({"key", "show", "keyway.json"}, 24, "malformed_data");
    shop.fail({"cert", "issue", "--profile", "root", "--key", "file:root", "--issuer", "root.pem",
               "--issuer-key", "file:root", "--out", "x.pem"},
              11, "invalid_argument");
    shop.fail({"crl", "issue", "--issuer", "root.pem", "--issuer-key", "file:root", "--number", "1",
               "--revoke", "xyz", "--out", "x.crl"},
              11, "invalid_argument");
    CHECK_FALSE(shop.has("x.pem"));
    CHECK_FALSE(shop.has("x.crl"));
}

TEST_CASE("files that are truncated, foreign or gone") {
    const Workshop shop;
    static_cast<void>(shop.make_key("root"));
    const auto whole = shop.read("keys/root.pem");
    shop.write("broken.pem", whole.substr(0, whole.size() / 4));
    shop.fail({"key", "store", "--in", "broken.pem", "--label", "x"}, 24, "malformed_data");
    shop.fail({"key", "store", "--in", "keyway.json", "--label", "x"}, 24, "malformed_data");
    shop.fail({"key", "store", "--in", "nowhere.pem", "--label", "x"}, 27, "storage_failed");
    shop.fail({"key", "sign", "file:root", "--in", "nowhere"}, 27, "storage_failed");
    shop.fail({"ca", "create", "--key", "file:root", "--subject", "CN=x", "--issuer", "keyway.json",
               "--issuer-key", "file:root", "--out", "x.pem"},
              24, "malformed_data");
}

TEST_CASE("a request that was changed does not verify") {
    const Workshop shop;
    shop.make_root("root");
    shop.run({"openssl", "req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "k", "-subj", "/CN=asked",
              "-outform", "DER", "-out", "csr"});
    auto request = shop.read("csr");
    request[request.find("asked")] = 'A';
    shop.write("csr", request);
    shop.fail({"cert", "issue", "--profile", "client", "--csr", "csr", "--issuer", "root.pem", "--issuer-key",
               "file:root", "--out", "x.pem"},
              29, "verification_failed");
    CHECK_FALSE(shop.has("x.pem"));
}

TEST_CASE("secrets that are wrong, missing, or open to others") {
    Workshop shop;
    const auto root = shop.make_key("root");
    static_cast<void>(
        shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "root"}));
    shop.environment["WRONG"] = "not this one";
    for(const std::string ref : {"file:root", "db:root"}) {
        shop.fail({"key", "sign", ref, "--in", "keyway.json", "--passphrase", "env:WRONG"}, 15,
                  "passphrase_incorrect");
        shop.fail({"key", "check", ref, "--passphrase", "env:NOT_SET"}, 12, "secret_unavailable");
    }
    shop.write("passphrase", passphrase);
    fs::permissions(shop.path("passphrase"), fs::perms{0644});
    shop.fail({"key", "sign", "file:root", "--in", "keyway.json", "--passphrase", "file:passphrase"}, 25,
              "permissions_insecure");
    fs::permissions(shop.path("keys/root.pem"), fs::perms{0644});
    shop.fail({"key", "sign", root, "--in", "keyway.json"}, 25, "permissions_insecure");
    const auto said = shop.fail({"key", "sign", "file:root", "--in", "keyway.json"}, 25, "permissions_insecure");
    CHECK(said.find("keys/root.pem") != std::string::npos);
}

TEST_CASE("a listing tells what it could not read, and lists the rest") {
    const Workshop shop;
    static_cast<void>(shop.make_key("good"));
    shop.write("keys/bad.pem", shop.read("keys/good.pem").substr(0, 100));
    fs::permissions(shop.path("keys/bad.pem"), fs::perms{0600});
    const auto plain = shop.keyway({"key", "list"});
    CHECK(plain.status == 0);
    CHECK(plain.err.starts_with("keyway: warning: "));
    CHECK(plain.err.find("keys/bad.pem") != std::string::npos);
    const auto json = shop.succeed_json({"key", "list"});
    REQUIRE(json.at("keys").size() == 1);
    CHECK(json.at("keys")[0].at("label") == "good");
    REQUIRE(json.at("faults").size() == 1);
    CHECK(json.at("faults")[0].at("code") == "malformed_data");
}

TEST_CASE("settings that every user can change are not used") {
    const Workshop shop;
    fs::permissions(shop.path("keyway.json"), fs::perms{0666});
    shop.fail({"backend", "list"}, 25, "permissions_insecure");
}

TEST_CASE("a database that another process holds is waited for, and given up") {
    const Workshop shop;
    static_cast<void>(
        shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "root"}));
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(shop.path("keys.db").c_str(), &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, "pragma locking_mode = exclusive; begin exclusive; create table held (x);",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
    const auto result =
        shop.keyway({"key", "create", "--backend", "db", "--type", "p-256", "--label", "late"});
    CHECK(result.status == 28);
    CHECK(result.err.find("is locked by another process\n") != std::string::npos);
    sqlite3_close(database);
    CHECK(shop.succeed_json({"key", "list", "--backend", "db"}).at("keys").size() == 1);
}

TEST_CASE("nothing is made when the output file cannot be") {
    const Workshop shop;
    shop.make_root("root");
    shop.write("taken", "mine");
    fs::create_directory(shop.path("folder"));
    const auto before = shop.snapshot();
    const std::vector<std::vector<std::string>> commands{
        {"key", "create", "--type", "p-256", "--label", "x"},
        {"key", "store", "--in", "keys/root.pem", "--in-passphrase", "env:KEYWAY_TEST_PASSPHRASE", "--label",
         "x"},
        {"key", "sign", "file:root", "--in", "keyway.json"},
        {"ca", "create", "--key", "file:root", "--subject", "CN=x"},
        {"cert", "issue", "--profile", "client", "--key", "file:root", "--subject", "CN=x", "--issuer",
         "root.pem", "--issuer-key", "file:root"},
        {"crl", "issue", "--issuer", "root.pem", "--issuer-key", "file:root", "--number", "1"},
    };
    for(const auto& command : commands) {
        const auto with = [&](const std::vector<std::string>& more) {
            auto all = command;
            all.insert(all.end(), more.begin(), more.end());
            return all;
        };
        shop.fail(with({"--out", "taken"}), 22, "already_exists");
        shop.fail(with({"--out", "nowhere/file"}), 27, "storage_failed");
        shop.fail(with({"--out", "folder", "--force"}), 27, "storage_failed");
        CHECK(shop.snapshot() == before);
    }
    for(const auto& command : commands) {
        auto forced = command;
        forced.insert(forced.end(), {"--out", "taken", "--force"});
        shop.succeed(forced);
        CHECK(shop.read("taken") != "mine");
        shop.write("taken", "mine");
        if(command[0] == "key" && command[1] != "sign") {
            static_cast<void>(shop.succeed({"key", "remove", "file:x", "--yes"}));
        }
    }
}

TEST_CASE("a dry run changes nothing, and sees what would fail") {
    const Workshop shop;
    shop.make_root("root");
    const auto before = shop.snapshot();
    const std::vector<std::pair<std::vector<std::string>, std::string>> commands{
        {{"key", "create", "--type", "p-256", "--label", "x", "--out", "x"},
         "would create key \"x\" (p-256) in backend \"file\"\n"},
        {{"key", "store", "--in", "keys/root.pem", "--in-passphrase", "env:KEYWAY_TEST_PASSPHRASE", "--label",
          "x"},
         "would store key \"x\" (p-256) in backend \"file\"\n"},
        {{"key", "remove", "file:root"}, "would remove key \"root\" (p-256) from backend \"file\"\n"},
        {{"ca", "create", "--key", "file:root", "--subject", "CN=x", "--not-after", "2099-12-31", "--out",
          "x"},
         "would issue a certificate:\nprofile      root\nsubject      CN=x\nnot after    "
         "2099-12-31T00:00:00Z\n"
         "signed with  ecdsa-sha256\n"},
        {{"cert", "issue", "--profile", "server", "--key", "file:root", "--san", "dns:a.invalid", "--issuer",
          "root.pem", "--issuer-key", "file:root", "--not-after", "2030-12-31T23:59:59Z", "--out", "x"},
         "would issue a certificate:\nprofile      server\nnames        dns:a.invalid\nnot after    "
         "2030-12-31T23:59:59Z\nsigned with  ecdsa-sha256\n"},
    };
    for(const auto& [command, text] : commands) {
        auto dry = command;
        dry.emplace_back("--dry-run");
        CHECK(shop.succeed(dry) == text);
        CHECK(shop.succeed_json(dry).at("dry-run") == true);
    }
    CHECK(shop.succeed_json({"crl", "issue", "--issuer", "root.pem", "--issuer-key", "file:root", "--number",
                             "1", "--out", "x", "--dry-run"})
              .at("dry-run") == true);
    shop.fail({"key", "create", "--type", "p-256", "--label", "root", "--dry-run"}, 22, "already_exists");
    shop.fail({"key", "remove", "file:x", "--dry-run"}, 20, "key_not_found");
    CHECK(shop.snapshot() == before);
}

TEST_CASE("output that cannot be written is an error") {
    const Workshop shop;
    const auto shell = [&](const std::string& script) {
        return run({"sh", "-c", script}, {.environment = shop.environment, .folder = shop.path("")});
    };
    const std::string command = KEYWAY_COMMAND;
    const auto full = shell(command + " --help > /dev/full");
    CHECK(full.status == 27);
    CHECK(full.err.starts_with("keyway: error: cannot write to standard output: No space left on device\n"));
    const auto pipe = shell("{ sleep 0.2; " + command + " --help; echo status $? >&2; } | true");
    CHECK(pipe.err.find("Broken pipe") != std::string::npos);
    CHECK(pipe.err.find("status 27\n") != std::string::npos);
    const auto closed = shell(command + " key create --type p-256 --label x >&-");
    CHECK(closed.status == 27);
    CHECK(closed.err == "keyway: error: standard output is closed\nkeyway: hint: nothing was done\n");
    CHECK_FALSE(shop.has("keys"));
}

TEST_CASE("files are written for their readers") {
    const Workshop shop;
    shop.make_root("root");
    CHECK(mode(shop.path("keys/root.pem")) == fs::perms{0600});
    CHECK(mode(shop.path("root.pem")) == fs::perms{0644});
}

TEST_CASE("a process leaves no core dump behind") {
    const Workshop shop;
    static_cast<void>(shop.make_key("root"));
    // While it waits for its input: not dumpable makes its memory belong to root, and the core limit is 0.
    const auto script = std::string("mkfifo wait; ") + KEYWAY_COMMAND +
                        " key sign file:root --in wait >/dev/null & pid=$!; exec 3>wait; sleep 0.3; "
                        "grep 'Max core file size' /proc/$pid/limits; exec 3>&-; wait";
    const auto result = run({"sh", "-c", script}, {.environment = shop.environment, .folder = shop.path("")});
    CHECK(result.out.find("0                    0                    bytes") != std::string::npos);
}

}  // namespace
