// SPDX-License-Identifier: BSD-2-Clause
// A move that fails at each of its steps. The commands' tests move keys between real backends.
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_migration.hpp>
#include <keyway/keyring/keyring.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/pk_keys.h>
#include <botan/system_rng.h>

#include <filesystem>

using namespace keyway;

namespace {

/// The step at which a place for keys fails.
enum class Fails { nowhere, store, opening, another_key, opening_and_removal };

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
    TwoFolders() {
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
        key = here().create(KeySpec::parse("p-256"), options(0, Phase::create, "old")).ref;
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
