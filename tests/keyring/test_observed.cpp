// SPDX-License-Identifier: BSD-2-Clause
// An observer is told of each use of a key in a file or a database, as of one in a token.
#include <support/guises.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <keyway/key/key_exporter.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/keyring/keyring.hpp>

#include <catch2/catch_test_macros.hpp>

#include <botan/ecdsa.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <stdexcept>

using namespace keyway;

namespace {

constexpr auto passphrase = "correct horse 4711";

/// Two stores of software keys, and what is told of the keys in them.
struct World {
    test::TemporaryFolder folder;
    std::vector<std::string> told;
    bool full = false;

    Keyring keyring(bool observe = true) {
        const auto option = [](const std::string& value) {
            return RawOption{.value = value, .form = RawOption::Form::text, .origin = {}};
        };
        Settings settings;
        settings.add(BackendAlias("file"), {.type = "file",
                                            .options = {{"path", option((folder.path() / "keys").string())},
                                                        {"scrypt-parallelization", option("1")},
                                                        {"passphrase", option("env:PASS")}}});
        settings.add(BackendAlias("db"), {.type = "database",
                                          .options = {{"path", option((folder.path() / "keys.db").string())},
                                                      {"argon2-memory-kib", option("8192")},
                                                      {"argon2-passes", option("1")},
                                                      {"passphrase", option("env:PASS")}}});
        const auto read = [](const std::string&) { return std::optional(Secret(passphrase)); };
        BackendContext context{.secrets = SecretReader(read, read)};
        if(observe) {
            context.observer = [this](const KeyUse& use) {
                CHECK(use.took.count() >= 0);
                told.push_back(std::string(use.backend) + "|" + std::string(use.key) + "|" + std::string(use.spki_sha256) + "|" +
                               std::string(use.operation) + "|" +
                               (use.error == nullptr ? "ok" : std::string(to_string(use.error->code())) + " " + use.error->message()));
                if(full) {
                    throw std::runtime_error("the disk is full");
                }
            };
        }
        return Keyring(settings, context);
    }
};

KeyRef make(Keyring& keyring, const char* alias, const std::string& kind, std::string_view label) {
    const BackendAlias backend(alias);
    return keyring.backend(backend)
        .create(KeySpec::parse(kind), keyring.options(backend, Phase::create, {{"label", label}}))
        .ref;
}

const std::vector<std::uint8_t> message{1, 2, 3};

std::vector<std::uint8_t> sign(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    return Botan::PK_Signer(key, rng, choose_scheme(key).botan_padding()).sign_message(message, rng);
}

/// What has no place in a key.
class BrokenRng final : public Botan::RandomNumberGenerator {
public:
    std::string name() const override { return "broken"; }
    void clear() override {}
    bool accepts_input() const override { return false; }
    bool is_seeded() const override { return true; }

private:
    void fill_bytes_with_input(std::span<std::uint8_t>, std::span<const std::uint8_t>) override {
        throw Botan::Invalid_State("secret words");
    }
};

}  // namespace

TEST_CASE("an observer is told of each use of a software key, of every kind, without a secret") {
    World world;
    auto keyring = world.keyring();
    for(const auto* const alias : {"file", "db"}) {
        for(const auto* const kind : {"rsa-2048", "p-256", "p-521", "ed25519", "ml-dsa-44"}) {
            INFO(alias << " " << kind);
            const auto ref = make(keyring, alias, kind, kind);
            world.told.clear();
            const auto key = keyring.use(ref);
            CHECK(world.told.empty());
            const auto where = std::string(alias) == "file"
                                   ? "key in file \"" + (world.folder.path() / "keys" / (std::string(kind) + ".pem")).string() + "\""
                                   : "key \"" + std::string(kind) + "\" in database \"" + (world.folder.path() / "keys.db").string() + "\"";
            const auto signature = sign(*key);
            const auto public_key = key->public_key();
            CHECK(Botan::PK_Verifier(*public_key, choose_scheme(*key).botan_padding()).verify_message(message, signature));
            CHECK(Botan::PK_Verifier(*key, choose_scheme(*key).botan_padding()).verify_message(message, signature));
            const auto line = std::string(alias) + "|" + where + "|" + ref.fingerprint().to_string() + "|sign|ok";
            CHECK(world.told == std::vector<std::string>{line});
            CHECK(KeySpec::of(*key) == ref.key());
            CHECK(SpkiFingerprint::of(*key) == ref.fingerprint());
            for(const auto& guise : test::guises(passphrase)) {
                CHECK(line.find(guise) == std::string::npos);
            }
        }
    }
}

TEST_CASE("decryption, agreement and what fails are told, too, and what cannot be recorded is not handed out") {
    World world;
    auto keyring = world.keyring();
    auto& rng = Botan::system_rng();
    const auto rsa = keyring.use(make(keyring, "file", "rsa-2048", "rsa"));
    const auto x25519 = keyring.use(make(keyring, "db", "x25519", "x"));
    const auto p_256 = keyring.use(make(keyring, "db", "p-256", "p"));
    world.told.clear();
    const auto operations = [&] {
        std::vector<std::string> out;
        for(const auto& line : world.told) {
            out.push_back(line.substr(line.rfind('|', line.rfind('|') - 1) + 1));
        }
        world.told.clear();
        return out;
    };
    const auto ciphertext = Botan::PK_Encryptor_EME(*rsa->public_key(), rng, "OAEP(SHA-256)").encrypt(message, rng);
    CHECK(Botan::PK_Decryptor_EME(*rsa, rng, "OAEP(SHA-256)").decrypt(ciphertext) ==
          Botan::secure_vector<std::uint8_t>(message.begin(), message.end()));
    CHECK(operations() == std::vector<std::string>{"decrypt|ok"});
    CHECK(Botan::PK_Key_Agreement(*x25519, rng, "Raw").derive_key(32, x25519->public_key()->raw_public_key_bits()).size() == 32);
    CHECK(operations() == std::vector<std::string>{"agree|ok"});
    const auto sealed = Botan::PK_KEM_Encryptor(*rsa, "Raw").encrypt(rng, 0);
    CHECK(Botan::PK_KEM_Decryptor(*rsa, rng, "Raw").decrypt(sealed.encapsulated_shared_key(), 0) == sealed.shared_key());
    CHECK(operations() == std::vector<std::string>{"decapsulate|ok"});

    Botan::PK_Signer signer(*rsa, rng, "PSS(SHA-256)");
    BrokenRng broken;
    CHECK_THROWS_AS(signer.sign_message(message, broken), Botan::Exception);
    CHECK(operations() == std::vector<std::string>{"sign|internal the use of the key failed"});

    world.full = true;
    CHECK_THROWS_AS(sign(*p_256), std::runtime_error);
    CHECK(operations() == std::vector<std::string>{"sign|ok"});
    world.full = false;
    CHECK_FALSE(sign(*p_256).empty());
}

TEST_CASE("without an observer a software key is Botan's own, and so is one that is exported") {
    World world;
    auto keyring = world.keyring();
    for(const auto* const alias : {"file", "db"}) {
        const auto ref = make(keyring, alias, "p-256", "a");
        const auto opened = keyring.use(ref);
        CHECK(dynamic_cast<const Botan::ECDSA_PrivateKey*>(opened.get()) == nullptr);
        CHECK(Botan::PKCS8::BER_encode(*opened) == Botan::PKCS8::BER_encode(*world.keyring(false).use(ref)));
        const auto exported = dynamic_cast<const KeyExporter&>(keyring.backend(BackendAlias(alias))).export_key(ref, {});
        CHECK(dynamic_cast<const Botan::ECDSA_PrivateKey*>(exported.get()) != nullptr);
        CHECK(dynamic_cast<const Botan::ECDSA_PrivateKey*>(world.keyring(false).use(ref).get()) != nullptr);
    }
}
