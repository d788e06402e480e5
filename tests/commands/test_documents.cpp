// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <keyway/core/error.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace {

using namespace keyway::test;

std::string document(const std::string& name) {
    std::ifstream file(std::string(KEYWAY_DOCS) + "/" + name);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream stream(text);
    for(std::string line; std::getline(stream, line);) {
        out.push_back(line);
    }
    return out;
}

/// The headings of docs/errors.md, each with the exit status below it.
std::vector<std::vector<std::string>> documented_errors() {
    const std::string heading = "## ";
    const std::string status = "Exit status: ";
    std::vector<std::vector<std::string>> out;
    for(const auto& text : lines(document("errors.md"))) {
        if(text.starts_with(heading)) {
            out.push_back({text.substr(heading.size())});
        } else if(text.starts_with(status)) {
            REQUIRE_FALSE(out.empty());
            out.back().push_back(text.substr(status.size()));
        }
    }
    return out;
}

/// The names of the flags that a help text lists.
std::vector<std::string> flags_in(const std::string& help) {
    std::vector<std::string> out;
    for(const auto& text : lines(help)) {
        if(text.starts_with("  --")) {
            out.push_back(text.substr(2, text.find(' ', 2) - 2));
        }
    }
    return out;
}

/// The commands that the overview lists: noun and verb.
std::vector<std::pair<std::string, std::string>> commands_in(const std::string& overview) {
    std::vector<std::pair<std::string, std::string>> out;
    for(const auto& text : lines(overview.substr(0, overview.find("\nFlags")))) {
        std::istringstream words(text);
        std::string noun;
        std::string verb;
        if(text.starts_with("  ") && !text.starts_with("   ") && words >> noun >> verb && noun != "help") {
            out.emplace_back(noun, verb);
        }
    }
    return out;
}

TEST_CASE("docs/errors.md has a heading and the exit status of every error class") {
    const Workshop shop;
    std::vector<std::vector<std::string>> told;
    std::vector<std::string> codes;
    std::set<int> statuses{0};
    const auto errors = shop.succeed_json({"help", "errors"});
    for(const auto& error : errors.at("errors")) {
        const auto code = error.at("code").get<std::string>();
        const auto status = error.at("exit-status").get<int>();
        told.push_back({code, std::to_string(status)});
        codes.push_back(code);
        CHECK(statuses.insert(status).second);
        CHECK(status < 126);  // above are the shell's own
    }
    CHECK(told == documented_errors());
    std::vector<std::string> all;
    for(const auto code : keyway::all_errors()) {
        all.emplace_back(to_string(code));
    }
    CHECK(codes == all);

    const auto text = shop.succeed({"help", "errors"});
    for(const auto& entry : told) {
        CHECK(text.find("\n" + entry[1] + std::string(8 - entry[1].size(), ' ') + entry[0] + " ") !=
              std::string::npos);
    }
}

/// The man page as a reader sees it: without the escapes of its hyphens.
std::string man_page() {
    auto page = document("man/keyway.1");
    std::erase(page, '\\');
    return page;
}

TEST_CASE("the man page has every command, flag and exit status") {
    const Workshop shop;
    // Without settings, the help shows the options of all backend types.
    std::filesystem::remove(shop.path("keyway.json"));
    const auto page = man_page();
    const auto overview = shop.succeed({"--help"});
    const auto commands = commands_in(overview);
    CHECK(commands.size() == 27);
    std::set<std::string> missing;
    const auto look_for_flags = [&](const std::string& section, const std::string& help) {
        for(const auto& flag : flags_in(help)) {
            if(section.find("\n.B " + flag + "\n") == std::string::npos &&
               section.find("\n.BI " + flag + " ") == std::string::npos) {
                missing.insert(flag);
            }
        }
    };
    look_for_flags(page, overview);
    for(const auto& command : commands) {
        const auto name = command.first + " " + command.second;
        INFO(name);
        const auto start = page.find("\n.SS " + name + "\n");
        REQUIRE(start != std::string::npos);
        const auto end = page.find("\n.S", start + 1);
        auto help = shop.succeed({command.first, command.second, "--help"});
        const auto backend_flags = help.find("\nFlags for backends");
        if(backend_flags != std::string::npos) {
            look_for_flags(page, help.substr(backend_flags));
            help.resize(backend_flags);
        }
        look_for_flags(page.substr(start, end - start), help);
    }
    CHECK(missing == std::set<std::string>{});

    const auto errors = shop.succeed_json({"help", "errors"});
    CHECK(errors.at("errors").size() > 20);
    for(const auto& error : errors.at("errors")) {
        const auto entry = "\n.B " + std::to_string(error.at("exit-status").get<int>()) + "\n" +
                           error.at("code").get<std::string>();
        CHECK(page.find(entry) != std::string::npos);
    }
}

/// One row of a backend's table of options in its page.
bool has_row(const std::string& page, const std::string& option) {
    const auto all = lines(page);
    return std::ranges::any_of(all, [&](const std::string& row) {
        return row.starts_with("| `") && row.substr(0, row.find('|', 1)).find("`" + option + "`") != std::string::npos;
    });
}

TEST_CASE("every option of every backend is in its page, in the man page, and known to config check") {
    const Workshop shop;
    const auto man = man_page();
    const auto backends = man.substr(man.find("\n.SH BACKEND OPTIONS"));
    for(const std::string type : {"hsm", "file", "database"}) {
        std::ifstream file(std::string(KEYWAY_BACKENDS) + "/" + type + "/" + type + ".md");
        const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        const auto start = backends.find("\n.SS " + type + "\n");
        REQUIRE(start != std::string::npos);
        const auto section = backends.substr(start, backends.find("\n.S", start + 1) - start);
        Json settings{{"backends", {{"x", {{"type", type}}}}}};
        std::size_t misplaced = 0;
        const auto shown = shop.succeed_json({"backend", "show", type});
        for(const auto& option : shown.at("options")) {
            const auto name = option.at("name").get<std::string>();
            INFO(type << ": " << name);
            CHECK(has_row(page, name));
            CHECK((section.find("\n.B " + name + "\n") != std::string::npos ||
                   section.find("\n.B --" + name + "\n") != std::string::npos ||
                   section.find("\n.BI --" + name + " ") != std::string::npos));
            const auto& form = option.at("type");
            settings["backends"]["x"][name] = form == "secret-source" ? "env:X" : form == "flag" ? "true" : "1";
            misplaced += option.at("in")[0] == "settings" ? 0U : 1U;
        }
        shop.write("all.json", settings.dump());
        const auto check = Json::parse(shop.keyway({"--json", "--config", "all.json", "config", "check"}).out);
        CHECK(check.at("backends")[0].at("faults").size() == misplaced);
        CHECK(misplaced > 0);
    }
}

}  // namespace
