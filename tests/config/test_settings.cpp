// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/config/settings.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <fstream>

using namespace keyway;

namespace {

Settings parse(std::string_view json) {
    return Settings::parse(json, "keyway.json");
}

}  // namespace

TEST_CASE("settings are read with every value's place") {
    const auto settings = parse(R"({
        "version": 1,
        "default-backend": "hsm",
        "backends": {
            "hsm": {"type": "hsm", "module": "/usr/lib/softhsm/libsofthsm2.so", "max-sessions": 4},
            "files": {"type": "file", "path": "/keys", "passphrase": "env:PASS"}
        }
    })");
    CHECK(settings.default_backend() == BackendAlias("hsm"));
    const auto& hsm = settings.backend(BackendAlias("hsm"));
    CHECK(hsm.type == "hsm");
    CHECK(hsm.options.at("module").value == "/usr/lib/softhsm/libsofthsm2.so");
    CHECK(hsm.options.at("max-sessions").form == RawOption::Form::number);
    CHECK(hsm.options.at("module").origin ==
          OptionOrigin{OptionOrigin::Kind::settings, "keyway.json: backends.hsm.module"});
}

TEST_CASE("settings may name where uses of keys are recorded") {
    CHECK(parse(R"({"audit": "/var/log/keyway.jsonl"})").audit() == std::filesystem::path("/var/log/keyway.jsonl"));
    CHECK(parse("{}").audit() == std::nullopt);
    CHECK_RAISES(parse(R"({"audit": ""})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"audit": true})"), Errc::invalid_option);
}

TEST_CASE("the default backend is the one named so, or \"default\", or the only one") {
    CHECK(parse(R"({"backends": {"a": {"type": "file"}}})").default_backend() == BackendAlias("a"));
    CHECK(parse(R"({"backends": {"a": {"type": "file"}, "default": {"type": "hsm"}}})").default_backend() ==
          BackendAlias("default"));
    CHECK(parse(R"({"backends": {"a": {"type": "file"}, "b": {"type": "hsm"}}})").default_backend() == std::nullopt);
    CHECK(parse("{}").default_backend() == std::nullopt);
}

TEST_CASE("settings with unknown or malformed parts are refused and named") {
    const auto unknown = test::raised([] { return parse(R"({"backend": {}})"); });
    CHECK(unknown.code() == Errc::invalid_option);
    CHECK(unknown.message() == "keyway.json has no setting \"backend\"");
    CHECK(unknown.hint() == "did you mean \"backends\"?");

    CHECK_RAISES(parse(R"({"version": 2})"), Errc::malformed_data);
    CHECK_RAISES(parse(R"({"version": "1"})"), Errc::malformed_data);
    CHECK_RAISES(parse(R"([])"), Errc::malformed_data);
    CHECK_RAISES(parse(R"({"backends": []})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"backends": {"a": {}}})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"backends": {"a": {"type": 3}}})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"backends": {"A": {"type": "file"}}})"), Errc::invalid_argument);
    CHECK_RAISES(parse(R"({"backends": {"a": {"type": "file", "path": null}}})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"default-backend": "a"})"), Errc::backend_not_found);
    CHECK_RAISES(parse(R"({"default-backend": 1})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"backends": {"a": {"type": "file", "type": "hsm"}}})"), Errc::malformed_data);
}

TEST_CASE("a syntax error tells its line and repeats nothing of the file") {
    const auto error = test::raised([] { return parse("{\n  \"backends\": hunter2\n}"); });
    CHECK(error.code() == Errc::malformed_data);
    CHECK(error.message().starts_with("keyway.json is not JSON: syntax error at line 2, column "));
    CHECK(error.message().find("hunter2") == std::string::npos);
}

TEST_CASE("an alias that is not there is answered with those that are") {
    const auto settings = parse(R"({"backends": {"root-hsm": {"type": "hsm"}, "files": {"type": "file"}}})");
    const auto error = test::raised([&] { return settings.backend(BackendAlias("root-hms")).type; });
    CHECK(error.code() == Errc::backend_not_found);
    CHECK(error.hint() == "did you mean \"root-hsm\"?");
    CHECK(test::raised([&] { return settings.backend(BackendAlias("db")).type; }).hint() == "known here: files, root-hsm");
}

TEST_CASE("settings are read from a file, which is named in errors") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "keyway.json";
    std::ofstream(path) << R"({"backends": {"a": {"type": "file", "path": "/keys"}}})";
    CHECK(read_settings(path).backend(BackendAlias("a")).options.at("path").origin.place ==
          path.string() + ": backends.a.path");
    CHECK_RAISES(read_settings(folder.path() / "missing.json"), Errc::storage_failed);
    std::filesystem::permissions(path, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
    CHECK_RAISES(read_settings(path), Errc::permissions_insecure);
}

TEST_CASE("purposes have backends of their own, and fallbacks, which CAs never have") {
    const auto settings = parse(R"({"default-backend": "a", "backends-by-purpose": {"ocsp": "b"},
        "backends": {"a": {"type": "hsm", "fallback": {"leaf": "b"}}, "b": {"type": "file"}}})");
    CHECK(settings.backend_for(KeyPurpose::ocsp) == BackendAlias("b"));
    CHECK(settings.backend_for(KeyPurpose::ca) == BackendAlias("a"));
    CHECK(settings.fallback_of(BackendAlias("a"), KeyPurpose::leaf) == BackendAlias("b"));
    CHECK(settings.fallback_of(BackendAlias("a"), KeyPurpose::ca) == std::nullopt);
    CHECK(settings.fallback_of(BackendAlias("b"), KeyPurpose::leaf) == std::nullopt);

    const auto with = [](const std::string& fallback) {
        return [=] { return parse(R"({"backends": {"a": {"type": "hsm", "fallback": )" + fallback + "}}}"); };
    };
    const auto error = test::raised(with(R"({"ca": "a"})"));
    CHECK(error.code() == Errc::invalid_option);
    CHECK(error.message() == "the backend \"a\" has a fallback for keys of CAs");
    CHECK(test::raised(with(R"({"ocsp": "a"})")).message() == "the backend \"a\" is its own fallback");
    CHECK(test::raised(with(R"({"ocsp": "b"})")).code() == Errc::backend_not_found);
    CHECK(test::raised(with(R"({"root": "b"})")).message() == "\"root\" is no purpose of a key");
    CHECK(test::raised(with("7")).code() == Errc::invalid_option);
    CHECK_RAISES(parse(R"({"backends-by-purpose": {"ca": "b"}, "backends": {"a": {"type": "hsm"}}})"), Errc::backend_not_found);
}
