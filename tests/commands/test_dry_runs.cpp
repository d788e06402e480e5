// SPDX-License-Identifier: BSD-2-Clause
#include "token_workshop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <unistd.h>

namespace {

using namespace keyway::test;
namespace fs = std::filesystem;

/// Runs a command for real, and before that dry, which has to fail in the same way and to change nothing.
void fails_the_same(const Workshop& shop, std::vector<std::string> arguments, int status, const std::string& code) {
    const auto before = shop.snapshot();
    auto dry = arguments;
    dry.emplace_back("--dry-run");
    shop.fail(dry, status, code);
    CHECK(shop.snapshot() == before);
    shop.fail(std::move(arguments), status, code);
}

TEST_CASE("a dry run sees a store that has no room") {
    const Workshop shop;
    shop.make_key("a");
    // As on a full disk: no file may grow. Unlike a folder's mode, that holds for root, too.
    const auto limited = [&](const std::string& arguments) {
        return run({"bash", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" " + arguments, KEYWAY_COMMAND},
                   {.input = {}, .environment = shop.environment, .folder = shop.path("")});
    };
    const auto before = shop.snapshot();
    for(const std::string more : {" --dry-run", ""}) {
        const auto result = limited("key create --type p-256 --label b" + more);
        INFO(more << "\n" << result.err);
        CHECK(result.status == 27);
        CHECK(shop.snapshot() == before);
    }
}

TEST_CASE("a dry run sees a folder in which nothing can be changed") {
    const Workshop shop;
    shop.make_key("a");
    fs::create_directory(shop.path("closed"));
    const std::vector<std::string> in_closed{"--set", "db.path=closed/keys.db", "--backend", "db"};
    const auto in_db = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), in_closed.begin(), in_closed.end());
        return arguments;
    };
    const std::vector<std::string> create{"key", "create", "--type", "p-256", "--label", "b"};
    shop.succeed(in_db(create));
    for(const auto* const name : {"keys", "closed"}) {
        fs::permissions(shop.path(name), fs::perms(0500));
    }
    // The right of root to write whatever the modes say is taken away.
    const std::vector<std::string> bound =
        ::geteuid() == 0 ? std::vector<std::string>{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}
                         : std::vector<std::string>{"env"};
    const auto before = shop.snapshot();
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), create.begin(), create.end());
        return more;
    };
    for(const std::vector<std::string>& command : {
            create,
            // Those that would be made with their first key.
            with({"--set", "file.path=closed/keys"}),
            with({"--set", "db.path=closed/k.db", "--backend", "db"}),
            {"key", "remove", "file:a", "--yes"},
            {"key", "remove", "db:b", "--yes", "--set", "db.path=closed/keys.db"},
            {"key", "migrate", "file:a", "db:c", "--yes", "--remove-source"},
            in_db({"key", "rewrap"}),
        }) {
        for(const bool dry : {true, false}) {
            if(!dry && command[1] == "migrate") {
                continue;  // it would have moved the key when it found that it cannot remove the old one
            }
            auto call = bound;
            call.emplace_back(KEYWAY_COMMAND);
            call.insert(call.end(), command.begin(), command.end());
            if(dry) {
                call.emplace_back("--dry-run");
            }
            const auto result = run(call, {.input = {}, .environment = shop.environment, .folder = shop.path("")});
            INFO(command[1] << " " << command[2] << " " << dry << ": " << result.err);
            CHECK(result.status == 27);
            CHECK(shop.snapshot() == before);
        }
    }
    for(const auto* const name : {"keys", "closed"}) {
        fs::permissions(shop.path(name), fs::perms(0700));
    }
}

TEST_CASE_METHOD(WorkshopWithToken, "a dry run of a move sees that the new key could not prove itself") {
    static_cast<void>(shop.succeed({"key", "create", "--type", "rsa-2048", "--label", "r"}));
    fails_the_same(shop, {"key", "migrate", "file:r", "hsm:r", "--hsm-usage", "decrypt"}, 26, "unsupported");
    shop.fail({"key", "create", "--backend", "hsm", "--type", "p-256", "--label", "x", "--usage", "decrypt", "--dry-run"}, 26, "unsupported");
    CHECK(shop.succeed({"key", "migrate", "file:r", "hsm:r", "--hsm-usage", "sign,decrypt", "--dry-run"}) ==
          "would move key \"r\" (rsa-2048) from backend \"file\" to backend \"hsm\" as \"r\"\n");
    CHECK(shop.succeed_json({"key", "list", "--backend", "hsm"}).at("keys").empty());
}

TEST_CASE("a dry run goes to the fallback where the real run does") {
    const Workshop shop;
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["hsm"] = Json{{"type", "hsm"},
                                       {"module", "/nonexistent/module.so"},
                                       {"token-label", "ca"},
                                       {"fallback", {{"leaf", "file"}}}};
    settings["default-backend"] = "hsm";
    shop.write("keyway.json", settings.dump());
    const std::vector<std::string> create{"--json", "key", "create", "--type", "p-256", "--label", "www", "--purpose", "leaf"};
    auto dry = create;
    dry.emplace_back("--dry-run");
    const auto before = shop.snapshot();
    const auto said = shop.keyway(dry);
    INFO(said.err);
    REQUIRE(said.status == 0);
    CHECK(shop.snapshot() == before);
    const auto json = Json::parse(said.out);
    CHECK(json.at("backend") == "file");
    CHECK(json.at("label") == "www");
    CHECK(json.at("fallback") == Json{{"from", "hsm"}, {"to", "file"}});
    CHECK(Json::parse(said.err).at("warning").at("message").get<std::string>().starts_with(
        "the backend \"hsm\" cannot be reached: "));
    // And then to what the fallback would say.
    CHECK(shop.keyway(create).status == 0);
    CHECK(shop.keyway(dry).status == 22);
    CHECK(shop.keyway(create).status == 22);
    dry.insert(dry.end(), {"--backend", "hsm"});
    CHECK(shop.keyway(dry).status == 17);
}

}  // namespace
