// SPDX-License-Identifier: BSD-2-Clause
// A move that fails at each of its steps. The commands' tests move keys between real backends.
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_migration.hpp>
#include <keyway/keyring/keyring.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/mac.h>
#include <botan/pk_keys.h>
#include <botan/pk_ops.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x509_key.h>
#include <nlohmann/json.hpp>

#include <filesystem>

using namespace keyway;

namespace {

/// The step at which a place for keys fails.
enum class Fails { nowhere, store, opening, another_key, wrong_answers, opening_and_removal };

/// A key that shows the public half of one key and works with another.
class OtherInside final : public Botan::Private_Key {
public:
    explicit OtherInside(std::unique_ptr<Botan::Private_Key> shown) : shown_(std::move(shown)), inside_(Botan::system_rng()) {}

    std::string algo_name() const override { return shown_->algo_name(); }
    std::size_t estimated_strength() const override { return shown_->estimated_strength(); }
    std::size_t key_length() const override { return shown_->key_length(); }
    bool supports_operation(Botan::PublicKeyOperation operation) const override { return shown_->supports_operation(operation); }
    Botan::AlgorithmIdentifier algorithm_identifier() const override { return shown_->algorithm_identifier(); }
    std::vector<std::uint8_t> raw_public_key_bits() const override { return shown_->raw_public_key_bits(); }
    std::vector<std::uint8_t> public_key_bits() const override { return shown_->public_key_bits(); }
    Botan::secure_vector<std::uint8_t> private_key_bits() const override { return inside_.private_key_bits(); }
    bool check_key(Botan::RandomNumberGenerator&, bool) const override { return true; }
    std::unique_ptr<Botan::Public_Key> public_key() const override { return shown_->public_key(); }
    std::unique_ptr<Botan::Private_Key> generate_another(Botan::RandomNumberGenerator& rng) const override {
        return inside_.generate_another(rng);
    }
    std::unique_ptr<Botan::PK_Ops::Key_Agreement> create_key_agreement_op(Botan::RandomNumberGenerator& rng,
                                                                          std::string_view parameters,
                                                                          std::string_view provider) const override {
        return inside_.create_key_agreement_op(rng, parameters, provider);
    }

private:
    std::unique_ptr<Botan::Private_Key> shown_;
    Botan::X25519_PrivateKey inside_;
};

/// A folder with keys that fails where it is told to: what no real store does on demand.
class FailingBackend final : public KeyBackend, public KeyLister, public KeyRemover {
public:
    FailingBackend(KeyBackend& real, Fails fails)
        : KeyBackend(real.alias(), std::make_shared<const OptionTable>(std::initializer_list<OptionSpec>{}), {}), real_(real), fails_(fails) {}

    CreatedKey create(const KeySpec& spec, const OptionValues& options) override { return real_.create(spec, options); }
    KeyRef store(const Botan::Private_Key& key, const OptionValues& options) override {
        if(fails_ == Fails::store) {
            throw Error(Errc::storage_failed, "the disk is full");
        }
        return real_.store(key, options);
    }
    std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const OptionValues& options) const override {
        if(fails_ == Fails::opening || fails_ == Fails::opening_and_removal) {
            throw Error(Errc::timed_out, "the store went away");
        }
        if(fails_ == Fails::another_key) {
            return std::make_unique<Botan::ECDSA_PrivateKey>(Botan::system_rng(), Botan::EC_Group::from_name("secp256r1"));
        }
        if(fails_ == Fails::wrong_answers) {
            return std::make_unique<OtherInside>(real_.use(ref, options));
        }
        return real_.use(ref, options);
    }
    std::optional<Error> check(const KeyRef& ref, const OptionValues& options) const override { return real_.check(ref, options); }
    const BackendCapabilities& capabilities() const override { return real_.capabilities(); }
    KeyListing list(const OptionValues& options) const override { return dynamic_cast<const KeyLister&>(real_).list(options); }
    void remove(const KeyRef& ref, const OptionValues& options) override {
        if(fails_ == Fails::opening_and_removal) {
            throw Error(Errc::timed_out, "the store went away");
        }
        dynamic_cast<KeyRemover&>(real_).remove(ref, options);
    }

private:
    KeyBackend& real_;
    Fails fails_;
};

/// Two folders, and one key in the first.
class TwoFolders {
public:
    explicit TwoFolders(const std::string& kind = "p-256") {
        for(const auto* const name : {"here", "there"}) {
            Settings settings;
            const auto option = [](const std::string& value) {
                return RawOption{.value = value, .form = RawOption::Form::text, .origin = {}};
            };
            settings.add(BackendAlias(name), {.type = "file",
                                              .options = {{"path", option((folder_.path() / name).string())},
                                                          {"passphrase", option("env:PASS")},
                                                          {"scrypt-parallelization", option("1")}}});
            BackendContext context;
            context.secrets = SecretReader([](const std::string&) { return Secret("correct horse"); }, {});
            keyrings_.push_back(std::make_unique<Keyring>(settings, context));
        }
        key = here().create(KeySpec::parse(kind), options(0, Phase::create, "old")).ref;
    }

    KeyBackend& here() { return keyrings_[0]->backend(BackendAlias("here")); }
    KeyBackend& there() { return keyrings_[1]->backend(BackendAlias("there")); }

    KeyMigration migration(KeyBackend& to) {
        return {.from = here(), .ref = *key, .use = {}, .to = to, .store = options(1, Phase::store, "new")};
    }

    bool nothing_there() { return dynamic_cast<KeyLister&>(there()).list({}).keys.empty(); }
    bool old_is_whole() { return !here().check(*key, {}); }

    std::optional<KeyRef> key;

private:
    OptionValues options(std::size_t which, Phase phase, const std::string& label) const {
        return keyrings_[which]->options(BackendAlias(which == 0 ? "here" : "there"), phase, {{"label", label}});
    }

    test::TemporaryFolder folder_;
    std::vector<std::unique_ptr<Keyring>> keyrings_;
};

const Clock noon = [] { return Time(std::chrono::seconds(1'800'000'000)); };

}  // namespace

TEST_CASE("a move has a receipt, and its statement names both places, the time and the challenge") {
    TwoFolders folders;
    int kept = 0;
    const auto receipt = migrate_key(folders.migration(folders.there()), noon, [&](const auto&) { ++kept; });
    CHECK(kept == 1);
    CHECK(receipt.challenge.size() == 32);
    CHECK(receipt.statement().starts_with("keyway-migration-1\nfrom " + folders.key->to_string() + "\nto " +
                                          receipt.to.to_string() + "\ntime 2027-01-15T08:00:00Z\nchallenge "));
    CHECK(!receipt.signature_of_old.empty());  // deterministic signatures of one key are the same
    CHECK(!receipt.signature_of_new.empty());
    CHECK(!folders.there().check(receipt.to, {}));
    CHECK(folders.old_is_whole());
    CHECK_RAISES(migrate_key(folders.migration(folders.there()), noon, {}), Errc::already_exists);
    CHECK(!folders.there().check(receipt.to, {}));  // and it took nothing back that was there before
}

TEST_CASE("a move that fails at any step leaves no key in the new place, and the old one whole") {
    for(const auto& [fails, expected] : std::vector<std::pair<Fails, Errc>>{{Fails::store, Errc::storage_failed},
                                                                            {Fails::opening, Errc::timed_out},
                                                                            {Fails::another_key, Errc::key_mismatch}}) {
        TwoFolders folders;
        FailingBackend failing(folders.there(), fails);
        int kept = 0;
        CHECK_RAISES(migrate_key(folders.migration(failing), noon, [&](const auto&) { ++kept; }), expected);
        CHECK(kept == 0);
        CHECK(folders.nothing_there());
        CHECK(folders.old_is_whole());
    }
}

TEST_CASE("a receipt that cannot be kept takes the new key back") {
    TwoFolders folders;
    CHECK_RAISES(migrate_key(folders.migration(folders.there()), noon,
                             [](const auto&) { throw Error(Errc::storage_failed, "the disk is full"); }),
                 Errc::storage_failed);
    CHECK(folders.nothing_there());
    CHECK(folders.old_is_whole());
}

TEST_CASE("a new key that cannot be removed again is told of") {
    TwoFolders folders;
    FailingBackend failing(folders.there(), Fails::opening_and_removal);
    const auto error = test::raised([&] { return migrate_key(folders.migration(failing), noon, {}); });
    CHECK(error.code() == Errc::storage_failed);
    const auto left = dynamic_cast<KeyLister&>(folders.there()).list({}).keys;
    REQUIRE(left.size() == 1);
    CHECK(error.hint() == "its reference is " + left[0].ref.to_string());
}

TEST_CASE("a backend that hands out no keys says so, before anything is made") {
    TwoFolders folders;
    FailingBackend closed(folders.here(), Fails::nowhere);  // which is no KeyExporter
    auto migration = folders.migration(folders.there());
    const KeyMigration from_closed{.from = closed, .ref = migration.ref, .use = {}, .to = migration.to, .store = migration.store};
    CHECK_RAISES((require_movable(from_closed), 0), Errc::unsupported);
    CHECK_RAISES(migrate_key(from_closed, noon, {}), Errc::unsupported);
    CHECK(folders.nothing_there());
    require_movable(migration);
}

TEST_CASE("a key that cannot sign is proven by what it agrees on, and the receipt says so") {
    for(const std::string kind : {"x25519", "x448"}) {
        INFO(kind);
        TwoFolders folders(kind);
        auto migration = folders.migration(folders.there());
        require_movable(migration);
        const auto receipt = migrate_key(migration, noon, {});
        CHECK(receipt.proof == MigrationProof::agreement);
        CHECK(receipt.scheme == kind + "-hmac-sha256");
        CHECK(receipt.signature_of_old.empty());
        const auto json = nlohmann::json::parse(receipt.to_json());
        CHECK(json.at("proof") == "agreement");
        CHECK(json.at("confirmation-of-old") == json.at("confirmation-of-new"));
        CHECK(!json.contains("signature-of-old"));

        // Whoever can use the new key comes to the same confirmation.
        const auto key = folders.there().use(receipt.to, {});
        Botan::DataSource_Memory pem(receipt.ephemeral_public_key);
        const auto ephemeral = Botan::X509::load_key(pem);
        Botan::PK_Key_Agreement agreement(*key, Botan::system_rng(), "Raw");
        const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
        mac->set_key(agreement.derive_key(0, ephemeral->raw_public_key_bits()).bits_of());
        mac->update(receipt.statement());
        CHECK(mac->final_stdvec() == receipt.confirmation_of_new);
    }
}

TEST_CASE("an agreement that comes out otherwise takes the new key back") {
    TwoFolders folders("x25519");
    FailingBackend failing(folders.there(), Fails::wrong_answers);
    const auto error = test::raised([&] { return migrate_key(folders.migration(failing), noon, {}); });
    CHECK(error.code() == Errc::verification_failed);
    CHECK(error.message() == R"(the keys in backends "here" and "there" do not agree on the same secret with a third key)");
    CHECK(folders.nothing_there());
    CHECK(folders.old_is_whole());
}
