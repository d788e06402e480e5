// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <filesystem>

namespace {

using namespace keyway::test;

/// The options of one backend, by name.
Json explained(const Workshop& shop, std::vector<std::string> more) {
    more.insert(more.begin(), {"config", "explain"});
    Json out;
    const auto all = shop.succeed_json(more);
    for(const auto& backend : all.at("backends")) {
        for(const auto& option : backend.at("options")) {
            out[backend.at("alias").get<std::string>()][option.at("name").get<std::string>()] = option;
        }
    }
    return out;
}

TEST_CASE("config explain tells each value and where it comes from") {
    const Workshop shop;
    const auto options = explained(shop, {"--set", "db.timeout=7", "--file-label", "root"});
    CHECK(options.at("file").at("path") ==
          Json{{"name", "path"},
               {"value", "keys"},
               {"secret-source", false},
               {"origin", {{"kind", "settings"}, {"place", "keyway.json: backends.file.path"}}},
               {"in", {"settings"}}});
    const auto& source = options.at("file").at("passphrase");
    CHECK(source.at("value") == "env:KEYWAY_TEST_PASSPHRASE");
    CHECK(source.at("secret-source") == true);
    CHECK(options.at("file").at("format").at("origin") == Json{{"kind", "default"}, {"place", nullptr}});
    CHECK(options.at("file").at("label").at("value") == "root");
    CHECK(options.at("file").at("label").at("origin") == Json{{"kind", "call"}, {"place", "--file-label"}});
    CHECK(options.at("db").at("timeout").at("origin") == Json{{"kind", "settings"}, {"place", "--set db.timeout"}});
    CHECK(options.at("db").at("label").at("origin").is_null());

    // The call goes before the settings.
    const auto call = explained(shop, {"--backend", "file", "--passphrase", "env:OTHER"});
    CHECK(call.at("file").at("passphrase").at("value") == "env:OTHER");
    CHECK(call.at("file").at("passphrase").at("origin").at("kind") == "call");
    CHECK_FALSE(call.contains("db"));

    CHECK(shop.succeed_json({"config", "explain"}).at("audit").is_null());
    CHECK(shop.succeed_json({"config", "explain", "--audit", "a.jsonl"}).at("audit") == "a.jsonl");
    CHECK_FALSE(shop.has("a.jsonl"));
    const auto text = shop.succeed({"config", "explain", "--backend", "file"});
    CHECK(text.find("secret source; settings, keyway.json: backends.file.passphrase") != std::string::npos);
    CHECK_FALSE(shop.has("keys"));
}

TEST_CASE("config check shows every fault of the settings, and ends with the status of the first") {
    const Workshop shop;
    CHECK(shop.succeed_json({"config", "check"}).at("ok") == true);
    CHECK(shop.succeed({"config", "check"}).find("file   file      ok") != std::string::npos);

    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"]["file"]["pasphrase"] = passphrase;
    settings["backends"]["file"]["label"] = "x";
    settings["backends"]["file"]["scrypt-parallelization"] = "many";
    settings["backends"]["tape"] = Json{{"type", "tape"}};
    shop.write("keyway.json", settings.dump());
    const auto result = shop.keyway({"--json", "config", "check"});
    CHECK(result.status == 10);
    CHECK((result.out + result.err).find(passphrase) == std::string::npos);
    const auto out = Json::parse(result.out);
    CHECK(out.at("ok") == false);
    std::vector<std::string> faults;
    for(const auto& backend : out.at("backends")) {
        for(const auto& fault : backend.at("faults")) {
            faults.push_back(fault.at("message").get<std::string>() + " | " + fault.at("hint").get<std::string>());
        }
    }
    CHECK(faults == std::vector<std::string>{
                        "the option \"label\" of backend \"file\" of type \"file\" does not belong in settings (keyway.json: "
                        "backends.file.label) | it belongs in: create, store, adopt",
                        "backend \"file\" of type \"file\" has no option \"pasphrase\" (keyway.json: backends.file.pasphrase) | did "
                        "you mean \"passphrase\"?",
                        "the option \"scrypt-parallelization\" (keyway.json: backends.file.scrypt-parallelization) is not a whole "
                        "number | how much work it is to open the new file, 1 to 64, each about 50 ms; memory stays at 16 MiB",
                        "there is no backend type \"tape\" | known here: hsm, file, database"});
    CHECK(Json::parse(result.err).at("error").at("code") == "invalid_option");

    // They are explained too, and a backend that is well goes on working.
    const auto explained = shop.succeed({"config", "explain"});
    CHECK(explained.find("did you mean \"passphrase\"?") != std::string::npos);
    CHECK(explained.find(passphrase) == std::string::npos);
    CHECK(shop.succeed_json({"key", "list", "--backend", "db"}).at("keys").empty());
    shop.fail({"key", "list", "--backend", "tape"}, 16, "backend_not_found");
}

TEST_CASE("config check tells the faults of no single backend together, and those of the backends with them") {
    const Workshop shop;
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backend"] = Json::object();
    settings["default-backend"] = "fil";
    settings["backends-by-purpose"] = Json{{"leaf", "nowhere"}};
    settings["backends"]["No Alias"] = Json{{"type", "file"}};
    settings["backends"]["file"]["pasphrase"] = "x";
    shop.write("keyway.json", settings.dump());
    const auto result = shop.keyway({"--json", "--set", "db.path", "config", "check", "--open"});
    CHECK(result.status == 10);
    const auto out = Json::parse(result.out);
    CHECK(out.at("ok") == false);
    std::vector<std::string> faults;
    for(const auto& fault : out.at("faults")) {
        faults.push_back(fault.at("message").get<std::string>());
    }
    CHECK(faults == std::vector<std::string>{"keyway.json has no setting \"backend\"", "\"No Alias\" is no backend alias",
                                             "there is no backend \"fil\" in the settings", "there is no backend \"nowhere\" in the settings",
                                             "--set wants ALIAS.OPTION=VALUE or default-backend=ALIAS"});
    CHECK(out.at("backends").size() == 2);
    CHECK(out.at("backends")[1].at("faults").size() == 1);
    CHECK(Json::parse(result.err).at("error").at("message").get<std::string>().starts_with("there are 6 faults, the first: "));
    CHECK(shop.keyway({"config", "check"}).out.find("keyway.json has no setting \"backend\"\n  did you mean") != std::string::npos);
    // Other commands go on ending at the first.
    shop.fail({"key", "list"}, 10, "invalid_option");
}

TEST_CASE("one --set that is at fault hides no other") {
    const Workshop shop;
    const auto result = shop.keyway({"--json", "--set", "file.zork=1", "--set", "db.passphrase=notasource", "--set", "new.path=x", "config", "check"});
    CHECK(result.status == 10);
    for(const auto* const part : {"zork", "passphrase", "the backend \\\"new\\\" has no type"}) {
        INFO(part);
        CHECK((result.out + result.err).find(part) != std::string::npos);
    }
}

TEST_CASE("a pipe that nobody writes to keeps nobody waiting for the name of a wrapping key") {
    Workshop shop;
    shop.run({"mkfifo", "pipe"});
    auto json = Json::parse(shop.read("keyway.json"));
    json["backends"]["db"].erase("passphrase");
    json["backends"]["db"]["wrapping-key"] = "./pipe";
    shop.write("keyway.json", json.dump());
    CHECK(shop.keyway({"config", "check"}).out.find("is no file with a key reference") != std::string::npos);
}

TEST_CASE("what no backend can be made of is a fault, and a secret that stands in clear is not shown") {
    const Workshop shop;
    auto settings = Json::parse(shop.read("keyway.json"));
    settings["backends"] = Json{{"folder", {{"type", "file"}}},
                                {"token", {{"type", "hsm"}, {"module", "x.so"}, {"token-uri", "pkcs11:token=a?pin-value=sesame-1"}}},
                                {"server", {{"type", "database"}, {"postgresql", "host=db password=sesame-2 user=ca"}}},
                                {"uri", {{"type", "database"}, {"postgresql", "postgresql://ca:sesame-3@db/keys"}}}};
    settings["default-backend"] = "folder";
    shop.write("keyway.json", settings.dump());
    const auto checked = shop.keyway({"--json", "config", "check"});
    CHECK(checked.status == 10);
    const auto out = Json::parse(checked.out);
    CHECK(out.at("backends").size() == 4);
    for(const auto& backend : out.at("backends")) {
        INFO(backend);
        CHECK(backend.at("faults").size() == 1);
    }
    const auto text = shop.succeed({"config", "explain"});
    const auto json = shop.succeed_json({"config", "explain"}).dump();
    for(const auto& said : {text, json, checked.out, checked.err}) {
        CHECK(said.find("sesame") == std::string::npos);
    }
    CHECK(text.find("pin-value=********") != std::string::npos);
    CHECK(text.find("host=db password=******** user=ca") != std::string::npos);
    CHECK(text.find("postgresql://ca:********@db/keys") != std::string::npos);
}

TEST_CASE("config check --open reaches each backend with its secret") {
    Workshop shop;
    static_cast<void>(shop.make_key("a"));
    static_cast<void>(shop.succeed({"key", "create", "--type", "p-256", "--backend", "db", "--label", "b"}));
    const auto json = shop.succeed_json({"config", "check", "--open"});
    CHECK(json.at("backends")[0].at("keys") == 1);
    CHECK(json.at("backends")[1].at("keys") == 1);

    // The first key of each is opened: a listing takes no passphrase.
    CHECK(json.at("backends")[0].at("opened") == "b");
    CHECK(json.at("backends")[1].at("opened") == "a");
    shop.environment["WRONG"] = "another one";
    for(const std::string alias : {"file", "db"}) {
        const auto wrong = shop.keyway({"--json", "--set", alias + ".passphrase=env:WRONG", "config", "check", "--open"});
        CHECK(wrong.status == 15);
        CHECK(Json::parse(wrong.err).at("error").at("code") == "passphrase_incorrect");
        CHECK(Json::parse(wrong.err).at("error").at("backend") == alias);
    }
    // Nobody is asked, and what was not looked at is told.
    const auto asked = shop.succeed({"--set", "file.passphrase=prompt:", "config", "check", "--open"});
    CHECK(asked.find("ok, keys: 1, none opened: its secret would be asked for\n") != std::string::npos);

    shop.write("keys.db", "this is no database");
    const auto broken = shop.keyway({"--json", "config", "check", "--open"});
    CHECK(broken.status != 0);
    const auto out = Json::parse(broken.out);
    CHECK(out.at("backends")[0].at("ok") == false);
    CHECK(out.at("backends")[1].at("ok") == true);
}

TEST_CASE("config path tells which file is used and which were looked at") {
    const Workshop shop;
    const auto states = [&](const std::vector<std::string>& arguments) {
        std::vector<std::string> out;
        const auto json = shop.succeed_json(arguments);
        for(const auto& place : json.at("places")) {
            out.push_back(place.at("from").get<std::string>() + ": " + place.at("state").get<std::string>());
        }
        return out;
    };
    CHECK(states({"config", "path"}) ==
          std::vector<std::string>{"current folder: used", "user: not looked at", "system: not looked at"});
    CHECK(shop.succeed_json({"config", "path"}).at("settings") == "keyway.json");
    std::filesystem::create_directories(shop.path("config/keyway"));
    std::filesystem::rename(shop.path("keyway.json"), shop.path("config/keyway/keyway.json"));
    CHECK(states({"config", "path"}) ==
          std::vector<std::string>{"current folder: not there", "user: used", "system: not looked at"});
    CHECK(shop.succeed({"config", "path"}).find("config/keyway/keyway.json") != std::string::npos);
}

TEST_CASE("without settings there is nothing to check or explain") {
    const Workshop shop;
    std::filesystem::remove(shop.path("keyway.json"));
    CHECK(shop.fail({"config", "check"}, 16, "backend_not_found").starts_with("there are no backends to check\nno settings file"));
    shop.fail({"config", "explain"}, 16, "backend_not_found");
}

}  // namespace
