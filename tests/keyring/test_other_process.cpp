// SPDX-License-Identifier: BSD-2-Clause
#include <support/process.hpp>
#include <support/temporary_folder.hpp>

#include <keyway/keyring/keyring.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <botan/hex.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <nlohmann/json.hpp>

#include <fstream>

using namespace keyway;

namespace {

const std::string passphrase = "correct horse 4711";

void write_secret(const std::filesystem::path& path, std::string_view secret) {
    std::ofstream(path) << secret;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace

TEST_CASE("use options travel to another process, which signs with them; a secret in them is refused there") {
    softhsm_fixtures::SoftHsmFixture softhsm;
    const test::TemporaryFolder folder;
    const auto secret_file = folder.path() / "passphrase";
    write_secret(secret_file, passphrase);
    const auto settings_file = folder.path() / "keyway.json";
    std::ofstream(settings_file) << nlohmann::json{
        {"backends",
         {{"hsm", {{"type", "hsm"}, {"module", softhsm.token().module_path().string()}, {"token-label", softhsm.token().label()}}},
          {"file", {{"type", "file"}, {"path", (folder.path() / "keys").string()}, {"scrypt-parallelization", 1}}}}}};
    struct Case {
        const char* alias;
        const char* option;
        std::string source;
        std::string secret;
    };
    for(const auto& [alias, option, source, secret] :
        {Case{"hsm", "user-pin", "file:" + softhsm.token().user_pin_file().string(), softhsm.token().user_pin()},
         Case{"file", "passphrase", "file:" + secret_file.string(), passphrase}}) {
        INFO(alias);
        const BackendAlias backend(alias);
        KeyRef ref = [&] {
            Keyring keyring(read_settings(settings_file));
            return keyring.backend(backend)
                .create(KeySpec::parse("p-256"), keyring.options(backend, Phase::create, {{"label", "a"}, {option, source}}))
                .ref;
        }();
        Keyring keyring(read_settings(settings_file));
        const auto options = keyring.options(backend, Phase::use, {{option, source}});
        const auto run = [&](const std::string& json) {
            return test::run({KEYWAY_SIGN_ELSEWHERE, settings_file.string(), ref.to_string(), json},
                             {.input = "message", .environment = {}, .folder = {}});
        };
        const auto signed_there = run(options.to_json());
        INFO(signed_there.err);
        REQUIRE(signed_there.status == 0);
        const auto key = keyring.use(ref, options)->public_key();
        Botan::PK_Verifier verifier(*key, "SHA-256");
        verifier.update("message");
        CHECK(verifier.check_signature(Botan::hex_decode(signed_there.out)));

        const auto refused = run(nlohmann::json{{option, secret}}.dump());
        CHECK(refused.status == 1);
        CHECK(refused.err.starts_with("invalid_option: "));
        CHECK(refused.err.find(secret) == std::string::npos);
        CHECK(run("{}").err.starts_with("secret_unavailable: "));
    }
}
