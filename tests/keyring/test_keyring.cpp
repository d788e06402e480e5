// SPDX-License-Identifier: BSD-2-Clause
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <keyway/keyring/keyring.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <botan/pk_keys.h>

#include <fstream>

using namespace keyway;

namespace {

void write_secret(const std::filesystem::path& path, std::string_view secret) {
    std::ofstream(path) << secret;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace

TEST_CASE("keys of several backends are opened at once, and what fails stops no other") {
    softhsm_fixtures::SoftHsmFixture softhsm;
    const test::TemporaryFolder folder;
    write_secret(folder.path() / "passphrase", "correct horse 4711");
    const auto option = [](const std::string& value) {
        return RawOption{.value = value, .form = RawOption::Form::text, .origin = {}};
    };
    const auto hsm_settings = [&](const std::string& label) -> RawOptions {
        return {{"module", option(softhsm.token().module_path().string())},
                {"token-label", option(label)},
                {"user-pin", option("file:" + softhsm.token().user_pin_file().string())}};
    };
    Settings settings;
    settings.add(BackendAlias("hsm"), {.type = "hsm", .options = hsm_settings(softhsm.token().label())});
    settings.add(BackendAlias("gone"), {.type = "hsm", .options = hsm_settings("no such token")});
    settings.add(BackendAlias("file"), {.type = "file",
                                        .options = {{"path", option((folder.path() / "keys").string())},
                                                    {"scrypt-parallelization", option("1")},
                                                    {"passphrase", option("file:" + (folder.path() / "passphrase").string())}}});
    Keyring keyring(settings);
    std::vector<KeyRef> refs;
    for(const auto* label : {"a", "b", "c", "d"}) {
        for(const auto* alias : {"hsm", "file"}) {
            const BackendAlias backend(alias);
            refs.push_back(keyring.backend(backend)
                               .create(KeySpec::parse("p-256"), keyring.options(backend, Phase::create, {{"label", label}}))
                               .ref);
        }
    }
    const auto count = refs.size();
    const auto elsewhere = [&](const char* alias, const KeyLocator& locator) {
        return KeyRef(BackendAlias(alias), "hsm", refs[0].key(), refs[0].fingerprint(), locator);
    };
    refs.push_back(elsewhere("gone", refs[0].locator()));
    refs.push_back(elsewhere("unknown", refs[0].locator()));
    refs.push_back(elsewhere("hsm", KeyLocator().set("label", "nobody")));
    refs.push_back(elsewhere("file", refs[0].locator()));

    const auto opened = keyring.use_all(refs);
    REQUIRE(opened.size() == refs.size());
    for(std::size_t i = 0; i < count; ++i) {
        REQUIRE(std::holds_alternative<std::unique_ptr<Botan::Private_Key>>(opened[i]));
        CHECK(SpkiFingerprint::of(*std::get<0>(opened[i])) == refs[i].fingerprint());
    }
    std::vector<Errc> errors;
    for(std::size_t i = count; i < refs.size(); ++i) {
        errors.push_back(std::get<Error>(opened[i]).code());
    }
    CHECK(errors == std::vector{Errc::token_not_found, Errc::backend_not_found, Errc::key_not_found, Errc::key_mismatch});
    CHECK(keyring.use_all({}).empty());
}
