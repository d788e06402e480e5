// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace {

using namespace keyway::test;

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream stream(text);
    for(std::string line; std::getline(stream, line);) {
        out.push_back(line);
    }
    return out;
}

/// The words that fit, without their help.
std::vector<std::string> words(const Workshop& shop, std::vector<std::string> typed) {
    typed.insert(typed.begin(), {"completion", "words"});
    auto out = lines(shop.succeed(typed));
    for(auto& line : out) {
        line = line.substr(0, line.find('\t'));
    }
    return out;
}

using Words = std::vector<std::string>;

TEST_CASE("words are completed from the tables that the command line is read by") {
    const Workshop shop;
    CHECK(words(shop, {"ke"}) == Words{"key"});
    CHECK(words(shop, {"config", ""}) == Words{"check", "explain", "path"});
    CHECK(words(shop, {"--json", "config", "e"}) == Words{"explain"});
    CHECK(words(shop, {"--config", "keyway.json", "config", "e"}) == Words{"explain"});
    CHECK(words(shop, {"help", "config", "p"}) == Words{"path"});
    CHECK(words(shop, {"key", "list", "--back"}) == Words{"--backend"});
    CHECK(words(shop, {"key", "list", "--backend", ""}) == Words{"db", "file"});
    CHECK(words(shop, {"key", "list", "--backend=d"}) == Words{"--backend=db"});
    CHECK(words(shop, {"key", "list", "--backend", "db", "--back"}).empty());
    CHECK(words(shop, {"key", "list", "--file-"}) == Words{"--file-passphrase"});
    CHECK(words(shop, {"key", "create", "--type", "p-"}) == Words{"p-192", "p-224", "p-256", "p-384", "p-521"});
    CHECK(words(shop, {"key", "create", "--type", "rsa"}) == Words{"rsa-2048", "rsa-3072", "rsa-4096"});
    CHECK(words(shop, {"key", "create", "--format", ""}) == Words{"pem", "der"});
    CHECK(words(shop, {"key", "create", "--passphrase", ""}) == Words{"env:", "file:", "fd:", "prompt:"});
    CHECK(words(shop, {"key", "show", "f"}) == Words{"file:", ":files"});
    CHECK(words(shop, {"key", "migrate", "file:a", ""}) == Words{"db:", "file:"});
    CHECK(words(shop, {"backend", "show", ""}) == Words{"hsm", "file", "database"});
    CHECK(words(shop, {"--set", "file.p"}) == Words{"file.path=", "file.passphrase="});
    CHECK(words(shop, {"--config", ""}) == Words{":files"});
    CHECK(words(shop, {"nonsense", ""}).empty());
    shop.write("keyway.json", "broken");
    CHECK(words(shop, {"key", "list", "--backend", ""}).empty());
    CHECK(words(shop, {"ke"}) == Words{"key"});
}

TEST_CASE("every command and every flag that a help text shows is completed") {
    const Workshop shop;
    std::filesystem::remove(shop.path("keyway.json"));
    std::size_t count = 0;
    for(const auto& noun : words(shop, {""})) {
        for(const auto& verb : words(shop, {noun, ""})) {
            if(noun == "help") {
                continue;
            }
            auto offered = words(shop, {noun, verb, "--"});
            for(const auto& text : lines(shop.succeed({noun, verb, "--help"}))) {
                if(text.starts_with("  --")) {
                    const auto flag = text.substr(2, text.find(' ', 2) - 2);
                    INFO(noun << " " << verb << " " << flag);
                    CHECK(std::ranges::find(offered, flag) != offered.end());
                    ++count;
                }
            }
        }
    }
    CHECK(count > 100);
}

TEST_CASE("the installed scripts are those that the command prints") {
    const Workshop shop;
    const auto* const shell = GENERATE("bash", "zsh", "fish");
    std::ifstream file(std::string(KEYWAY_COMPLETIONS) + "/keyway." + shell);
    CHECK(shop.succeed({"completion", shell}) ==
          std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()));
    CHECK(shop.succeed_json({"completion", shell}).at("shell") == shell);
}

/// Skips with the reason where the shell is not installed.
void require_shell(const std::string& shell) {
    if(run({"sh", "-c", "command -v " + shell}).status != 0) {
        SKIP(shell << " is not installed here");
    }
}

const std::string command_folder = std::filesystem::path(KEYWAY_COMMAND).parent_path().string();

TEST_CASE("bash completes the words of keyway") {
    require_shell("bash");
    Workshop shop;
    shop.write("keyway.bash", shop.succeed({"completion", "bash"}));
    shop.write("try.bash", "PATH=" + command_folder +
                               ":$PATH; source ./keyway.bash\n"
                               "COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n"
                               "_keyway keyway; printf '%s\\n' \"${COMPREPLY[@]}\"\n");
    const auto tried = [&](const std::string& line) { return lines(shop.run({"bash", "--norc", "try.bash", line})); };
    CHECK(tried("keyway config e") == Words{"explain"});
    CHECK(tried("keyway key list --backend ") == Words{"db", "file"});
    CHECK(tried("keyway key list --backend=d") == Words{"db"});
    CHECK(tried("keyway key list --file-pass") == Words{"--file-passphrase"});
    CHECK(tried("keyway key migrate file:a d") == Words{"db:"});
    CHECK(tried("keyway --config keyway.j") == Words{"keyway.json"});
    CHECK(tried("keyway key create --passphrase file:keyway.j") == Words{"keyway.json"});
}

TEST_CASE("zsh completes the words of keyway") {
    require_shell("zsh");
    Workshop shop;
    shop.write("_keyway", shop.succeed({"completion", "zsh"}));
    // Its builtins for completion work on its line editor only: here they print.
    shop.write("try.zsh", "PATH=" + command_folder +
                              ":$PATH; compdef() { : }; _files() { print files }; compset() { : }\n"
                              "compadd() { local -a all=(\"${(@P)@[-1]}\"); print -rl -- \"${all[@]}\" }\n"
                              "source ./_keyway; words=(\"$@\"); CURRENT=$#words; PREFIX=$words[-1]; _keyway\n"
                              "exit 0\n");
    const auto tried = [&](Words typed) {
        typed.insert(typed.begin(), {"zsh", "-f", "try.zsh", "keyway"});
        return lines(shop.run(typed));
    };
    CHECK(tried({"config", "e"}) == Words{"explain"});
    CHECK(tried({"key", "list", "--backend", ""}) == Words{"db", "file"});
    CHECK(tried({"key", "list", "--backend=d"}) == Words{"--backend=db"});
    CHECK(tried({"key", "migrate", "file:a", "d"}) == Words{"db:"});
    CHECK(tried({"--config", "keyway.j"}) == Words{"files"});
}

TEST_CASE("fish completes the words of keyway") {
    require_shell("fish");
    Workshop shop;
    shop.environment["PATH"] = command_folder + ":" + std::getenv("PATH");
    shop.write("keyway.fish", shop.succeed({"completion", "fish"}));
    const auto tried = [&](const std::string& line) {
        auto out = lines(shop.run({"fish", "--no-config", "-c", "source keyway.fish; complete -C '" + line + "'"}));
        for(auto& word : out) {
            word = word.substr(0, word.find('\t'));
        }
        return out;
    };
    CHECK(tried("keyway config e") == Words{"explain"});
    CHECK(tried("keyway key list --backend ") == Words{"db", "file"});
    CHECK(tried("keyway key list --backend=d") == Words{"--backend=db"});
    CHECK(tried("keyway key migrate file:a d") == Words{"db:"});
    CHECK(tried("keyway --config keyway.j") == Words{"keyway.json"});
}

}  // namespace
