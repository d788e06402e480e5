// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace keyway::test {

namespace {

constexpr auto settings = R"({
    "version": 1,
    "default-backend": "file",
    "backends": {
        "file": {"type": "file", "path": "keys", "passphrase": "env:KEYWAY_TEST_PASSPHRASE",
                 "scrypt-parallelization": 1},
        "db": {"type": "database", "path": "keys.db", "passphrase": "env:KEYWAY_TEST_PASSPHRASE",
               "argon2-memory-kib": 8192, "argon2-passes": 1}
    }
})";

std::string described(const std::vector<std::string>& arguments, const ProcessResult& result) {
    std::string text = "keyway";
    for(const auto& argument : arguments) {
        text += " " + argument;
    }
    return text + "\nstatus " + std::to_string(result.status) + "\nout: " + result.out +
           "\nerr: " + result.err;
}

}  // namespace

Workshop::Workshop() : command(KEYWAY_COMMAND) {
    environment = {{"KEYWAY_TEST_PASSPHRASE", passphrase},
                   {"KEYWAY_CONFIG", ""},
                   {"HOME", folder_.path().string()},
                   {"XDG_CONFIG_HOME", (folder_.path() / "config").string()}};
    write("keyway.json", settings);
}

ProcessResult Workshop::keyway(const std::vector<std::string>& arguments, const std::string& input) const {
    std::vector<std::string> all{command};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return test::run(all, {.input = input, .environment = environment, .folder = folder_.path()});
}

std::string Workshop::succeed(const std::vector<std::string>& arguments, const std::string& input) const {
    const auto result = keyway(arguments, input);
    INFO(described(arguments, result));
    REQUIRE(result.status == 0);
    CHECK(result.err.empty());
    CHECK(result.out.find(passphrase) == std::string::npos);
    return result.out;
}

Json Workshop::succeed_json(std::vector<std::string> arguments, const std::string& input) const {
    arguments.insert(arguments.begin(), "--json");
    auto json = Json::parse(succeed(arguments, input));
    REQUIRE(json.is_object());
    return json;
}

std::string Workshop::fail(std::vector<std::string> arguments, int status, const std::string& code,
                           const std::string& input) const {
    const auto plain = keyway(arguments, input);
    INFO(described(arguments, plain));
    CHECK(plain.status == status);
    CHECK(plain.out.empty());
    CHECK(plain.err.starts_with("keyway: error: "));

    CHECK(plain.err.find(passphrase) == std::string::npos);
    return fail_in_json(std::move(arguments), status, code, input);
}

std::string Workshop::fail_once(std::vector<std::string> arguments, int status, const std::string& code) const {
    return fail_in_json(std::move(arguments), status, code, {});
}

std::string Workshop::fail_in_json(std::vector<std::string> arguments, int status, const std::string& code,
                                   const std::string& input) const {
    arguments.insert(arguments.begin(), "--json");
    const auto result = keyway(arguments, input);
    INFO(described(arguments, result));
    CHECK(result.status == status);
    CHECK(result.out.empty());
    CHECK(result.err.find(passphrase) == std::string::npos);
    const auto json = Json::parse(result.err);
    const auto& error = json.at("error");
    CHECK(error.at("code") == code);
    std::vector<std::string> names;
    for(const auto& [name, value] : error.items()) {
        names.push_back(name);
    }
    CHECK(names == std::vector<std::string>{"code", "message", "hint", "backend", "return_value"});
    const auto hint = error.at("hint").is_null() ? "" : error.at("hint").get<std::string>();
    return error.at("message").get<std::string>() + "\n" + hint;
}

std::string Workshop::run(const std::vector<std::string>& arguments) const {
    const auto result = test::run(arguments, {.environment = environment, .folder = folder_.path()});
    INFO(described(arguments, result));
    REQUIRE(result.status == 0);
    return result.out;
}

std::string Workshop::make_key(const std::string& label) const {
    return line(succeed({"key", "create", "--type", "p-256", "--label", label}));
}

void Workshop::make_root(const std::string& label) const {
    static_cast<void>(make_key(label));
    static_cast<void>(succeed(
        {"ca", "create", "--key", "file:" + label, "--subject", "CN=" + label, "--out", label + ".pem"}));
}

std::string Workshop::read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void Workshop::write(const std::string& name, const std::string& content) const {
    std::ofstream file(path(name), std::ios::binary);
    file << content;
    file.close();
    REQUIRE(file.good());
}

void Workshop::set_backend(const std::string& alias, const Json& backend) const {
    auto json = Json::parse(read("keyway.json"));
    json["backends"][alias] = backend;
    write("keyway.json", json.dump());
}

std::vector<std::pair<std::string, std::string>> Workshop::snapshot() const {
    std::vector<std::pair<std::string, std::string>> files;
    for(const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
        const auto name = entry.path().lexically_relative(folder_.path()).string();
        files.emplace_back(name, entry.is_regular_file() ? read(name) : "");
    }
    std::ranges::sort(files);
    return files;
}

std::string line(const std::string& output) {
    REQUIRE(output.ends_with('\n'));
    CHECK(output.find('\n') == output.size() - 1);
    return output.substr(0, output.size() - 1);
}

}  // namespace keyway::test
