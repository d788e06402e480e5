// SPDX-License-Identifier: BSD-2-Clause
// The wrapping key of a database, as the settings name it: ALIAS:LABEL, a reference, a file with one.
#include <support/process.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <keyway/key/paged_key_lister.hpp>
#include <keyway/key/wrapping_key_store.hpp>
#include <keyway/keyring/keyring.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <botan/pk_keys.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>

#include <fstream>
#include <string>
#include <vector>

using namespace keyway;
using keyway::test::raised;

namespace {

RawOption option(const std::string& value) {
    return {.value = value, .form = RawOption::Form::text, .origin = {}};
}

struct World {
    softhsm_fixtures::SoftHsmFixture softhsm;
    test::TemporaryFolder folder;

    /// Settings with a token, files, and a database under that key.
    Settings settings(const std::string& wrapping_key, const std::string& database = "keys.db") {
        Settings all;
        all.add(BackendAlias("hsm"), {.type = "hsm",
                                      .options = {{"module", option(softhsm.token().module_path().string())},
                                                  {"token-label", option(softhsm.token().label())},
                                                  {"user-pin", option("file:" + softhsm.token().user_pin_file().string())}}});
        all.add(BackendAlias("file"), {.type = "file", .options = {{"path", option((folder.path() / "keys").string())}}});
        all.add(BackendAlias("db"), {.type = "database",
                                     .options = {{"path", option((folder.path() / database).string())},
                                                 {"wrapping-key", option(wrapping_key)}}});
        return all;
    }

    /// Runs another program on the token, which looks for no name that is taken.
    void other_program(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"pkcs11-tool", "--module", softhsm.token().module_path().string(), "--token-label",
                                             softhsm.token().label(), "--login", "--pin", "env:KEYWAY_TEST_PIN"});
        const auto result = test::run(arguments, {.input = {}, .environment = {{"KEYWAY_TEST_PIN", softhsm.token().user_pin()}}, .folder = {}});
        INFO(result.out << result.err);
        REQUIRE(result.status == 0);
    }

    void put_aes_key(const std::string& label) {
        other_program({"--keygen", "--key-type", "AES:32", "--label", label, "--private", "--sensitive", "--usage-wrap"});
    }

    static KeyRef make(Keyring& keyring, const char* alias, const std::string& kind, std::string_view label,
                       std::pair<std::string_view, std::string_view> more = {"label", ""}) {
        const BackendAlias backend(alias);
        const auto options = more.second.empty() ? keyring.options(backend, Phase::create, {{"label", label}})
                                                 : keyring.options(backend, Phase::create, {{"label", label}, more});
        return keyring.backend(backend).create(KeySpec::parse(kind), options).ref;
    }
};

}  // namespace

TEST_CASE("the wrapping key of a database is named as other keys are") {
    World world;
    {
        Keyring keyring(world.settings("hsm:unused"));
        dynamic_cast<WrappingKeyStore&>(keyring.backend(BackendAlias("hsm"))).create_wrapping_key("aes", {});
        const auto rsa = World::make(keyring, "hsm", "rsa-2048", "rsa", {"usage", "sign,decrypt"});
        static_cast<void>(World::make(keyring, "file", "rsa-2048", "filed", {"unencrypted-insecure", "true"}));
        std::ofstream(world.folder.path() / "rsa.ref") << rsa.to_string() << "\n";
    }
    for(const auto& name : {std::string("hsm:aes"), std::string("hsm:rsa"), std::string("file:filed"),
                            (world.folder.path() / "rsa.ref").string()}) {
        INFO(name);
        const auto settings = world.settings(name, "under-" + std::to_string(std::hash<std::string>()(name)));
        Keyring first(settings);
        const auto ref = World::make(first, "db", "p-256", "a");
        Keyring second(settings);
        CHECK(SpkiFingerprint::of(*second.use(ref)) == ref.fingerprint());
    }
    const auto refused = [&](const std::string& name) {
        Keyring keyring(world.settings(name));
        return raised([&] { return World::make(keyring, "db", "p-256", "a"); });
    };
    const auto missing = refused("hsm:nobody");
    CHECK(missing.code() == Errc::key_not_found);
    CHECK(missing.message().starts_with("the wrapping key \"hsm:nobody\" of the database "));
    CHECK(refused("db:a").code() == Errc::invalid_option);
    CHECK(refused("elsewhere:a").code() == Errc::backend_not_found);
    CHECK(refused("./none:such").code() == Errc::storage_failed);
    // Other programs put keys where they like.
    world.put_aes_key("rsa");
    CHECK(refused("hsm:rsa").code() == Errc::key_ambiguous);
}

TEST_CASE("a key pair that cannot wrap does not shut the database whose wrapping key has its label") {
    World world;
    const auto settings = world.settings("hsm:curve");
    std::optional<KeyRef> ref;
    {
        Keyring keyring(settings);
        static_cast<void>(World::make(keyring, "hsm", "p-256", "curve"));
        world.put_aes_key("curve");
        ref = World::make(keyring, "db", "p-256", "a");
    }
    Keyring keyring(settings);
    CHECK(SpkiFingerprint::of(*keyring.use(*ref)) == ref->fingerprint());
    // And beside an RSA key pair.
    const auto rsa = World::make(keyring, "hsm", "rsa-2048", "rsa", {"usage", "sign,decrypt"});
    world.other_program({"--keypairgen", "--key-type", "EC:prime256v1", "--label", "rsa", "--id", "77"});
    // Nor half a pair, which needs no PIN.
    const auto half = world.folder.path() / "half.der";
    const auto bytes = Botan::X509::BER_encode(*Botan::RSA_PrivateKey(Botan::system_rng(), 2048).public_key());
    std::ofstream(half, std::ios::binary).write(static_cast<const char*>(static_cast<const void*>(bytes.data())), static_cast<std::streamsize>(bytes.size()));
    world.other_program({"--write-object", half.string(), "--type", "pubkey", "--label", "rsa", "--id", "78"});
    CHECK(keyring.open_wrapper(WrappingKeyName(BackendAlias("hsm"), "rsa"))->fingerprint({}) == rsa.fingerprint().to_string());
}

TEST_CASE("an RSA wrapping key that is lost or replaced is named as what it is") {
    World world;
    const auto settings = world.settings("hsm:wrap");
    std::optional<KeyRef> key;
    std::optional<KeyRef> wrapping;
    {
        Keyring keyring(settings);
        wrapping = World::make(keyring, "hsm", "rsa-2048", "wrap", {"usage", "sign,decrypt"});
        key = World::make(keyring, "db", "p-256", "a");
        dynamic_cast<KeyRemover&>(keyring.backend(BackendAlias("hsm"))).remove(*wrapping, {});
    }
    const auto by_reference = world.settings(wrapping->to_string());
    for(const auto& one : {settings, by_reference}) {
        Keyring keyring(one);
        const auto lost = raised([&] { return keyring.use(*key); });
        CHECK(lost.code() == Errc::key_not_found);
        CHECK(lost.message().starts_with("the wrapping key \"hsm:wrap\" of the database "));
        CHECK(lost.hint().find("without this key no key of the database can be opened") != std::string::npos);
        CHECK(lost.backend() == "db");
    }
    Keyring keyring(settings);
    const auto other = World::make(keyring, "hsm", "rsa-2048", "wrap", {"usage", "sign,decrypt"});
    const auto replaced = raised([&] { return keyring.use(*key); });
    CHECK(replaced.code() == Errc::key_mismatch);
    CHECK(replaced.message().find("under another wrapping key than the one meant: its SPKI SHA-256 is " +
                                  wrapping->fingerprint().to_string()) != std::string::npos);
    CHECK(replaced.hint().find(other.fingerprint().to_string()) != std::string::npos);
}
