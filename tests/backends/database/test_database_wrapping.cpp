// SPDX-License-Identifier: BSD-2-Clause
// Key-encryption keys that are wrapped by a key of another backend: one in a file, one in SoftHSM.
#include <keyway/backends/database/envelope_internal.hpp>
#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/key/store_checker.hpp>

#include <botan/base64.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <backends/database/wrapping_support.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <softhsm_fixtures/catch2.hpp>
#include <support/raises.hpp>

#include <fstream>
#include <stdexcept>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::OpenedBackend;
using keyway::test::raised;
using keyway::test::rewrap;

namespace {

/// A backend of files, under the alias "files", with RSA keys to wrap with.
class Keys {
public:
    KeyRef make(const std::string& label, const std::string& kind = "rsa-2048") const {
        const auto ref = files_.create(kind, {{"label", label}, {"unencrypted-insecure", "true"}}).ref;
        return {BackendAlias("files"), ref.backend_type(), ref.key(), ref.fingerprint(), ref.locator()};
    }

    KeyWrapperOpener opener() const {
        return [this](const WrappingKeyName& name) {
            ++opened;
            return rsa_key_wrapper(files_.use(name.ref().value()));
        };
    }

    std::unique_ptr<Botan::Public_Key> public_key(const KeyRef& ref) const { return files_.use(ref)->public_key(); }

    mutable int opened = 0;

private:
    test::TemporaryFolder folder_;
    OpenedBackend files_{file_backend(), {{"path", (folder_.path() / "keys").string()}}, {}};
};

OpenedBackend under(const DatabasePlace& place, const Keys& keys, const std::string& wrapping_key,
                    const OpenedBackend::Texts& more = {}) {
    return test::opened_under(place, wrapping_key, keys.opener(), more);
}

OpenedBackend under_passphrase(const DatabasePlace& place, const Keys& keys) {
    return {database_backend(), place.settings(), {{"PASS", "correct horse"}}, keys.opener()};
}

RewrapRequest to_key(const KeyRef& ref, std::function<void(const RewrapProgress&)> progress = {}) {
    return {.new_passphrase = {}, .new_wrapping_key = ref, .batch = 2, .progress = std::move(progress)};
}

struct Stop : std::runtime_error {
    Stop() : std::runtime_error("stop") {}
};

}  // namespace

TEST_CASE("keys under a key of another backend: no passphrase, and that key is asked once for each opening") {
    const DatabasePlace place;
    const Keys keys;
    const auto wrapping = keys.make("wrapping");
    const auto backend = under(place, keys, wrapping.to_string());
    const auto ref = backend.create("p-256", {{"label", "a"}}).ref;
    const auto stored = backend.store(*generate_software_key(KeySpec::parse("ed25519")), {{"label", "b"}});
    CHECK(keys.opened == 1);
    for(int i = 0; i < 5; ++i) {
        CHECK(SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint());
    }
    CHECK(!backend.check(stored));
    CHECK(keys.opened == 1);
    CHECK(backend.reads() == 0);
    CHECK(place.answer("select kind from key_encryption_key") == "wrapped");
    CHECK(place.answer("select wrapped_by from key_encryption_key") == wrapping.fingerprint().to_string());
    CHECK(place.answer("select wrap_mechanism from key_encryption_key") == "RSA-OAEP-SHA-256");

    const test::TemporaryFolder folder;
    const auto file = folder.path() / "wrapping.ref";
    std::ofstream(file) << wrapping.to_string() << "\n";
    const auto again = under(place, keys, file.string());
    CHECK(!again.check(ref));
    CHECK(keys.opened == 2);
    again.remove(ref);
    CHECK(again.labels() == std::vector<std::string>{"b"});
}

TEST_CASE("another key, none, or one of the database itself is refused") {
    const DatabasePlace place;
    const Keys keys;
    const auto wrapping = keys.make("wrapping");
    const auto other = keys.make("other");
    const auto ref = under(place, keys, wrapping.to_string()).create("p-256", {{"label", "a"}}).ref;
    keys.opened = 0;
    const auto wrong = under(place, keys, other.to_string());
    for(const auto& error : {*wrong.check(ref), raised([&] { return wrong.create("p-256", {{"label", "b"}}); })}) {
        CHECK(error.code() == Errc::key_mismatch);
        CHECK(error.message().find(wrapping.fingerprint().to_string()) != std::string::npos);
        CHECK(error.hint().find(other.fingerprint().to_string()) != std::string::npos);
    }
    CHECK(keys.opened == 0);
    const auto without = under_passphrase(place, keys);
    CHECK(without.check(ref)->code() == Errc::invalid_option);
    CHECK(without.check(ref)->hint().find("wrapping-key") != std::string::npos);
    auto settings = place.where();
    settings["wrapping-key"] = wrapping.to_string();
    CHECK(OpenedBackend(database_backend(), settings, {}).check(ref)->code() == Errc::unsupported);
    settings["wrapping-key"] = ref.to_string();
    CHECK(OpenedBackend(database_backend(), settings, {}).check(ref)->code() == Errc::invalid_option);
    settings["wrapping-key"] = "/nowhere";
    CHECK(OpenedBackend(database_backend(), settings, {}).check(ref)->code() == Errc::storage_failed);
    const auto curve = keys.make("curve", "p-256");
    const DatabasePlace empty;
    CHECK(raised([&] { return under(empty, keys, curve.to_string()).create("p-256", {{"label", "a"}}); }).code() ==
          Errc::unsupported);
    CHECK(under(empty, keys, wrapping.to_string()).labels().empty());
}

TEST_CASE("from a passphrase to a key and back, stopped and taken up again") {
    const DatabasePlace place;
    const Keys keys;
    const auto wrapping = keys.make("wrapping");
    const auto with_passphrase = under_passphrase(place, keys);
    std::vector<KeyRef> refs;
    for(const auto* const label : {"a", "b", "c", "d", "e"}) {
        refs.push_back(with_passphrase.create("ed25519", {{"label", label}}).ref);
    }
    const auto usable = [&](const OpenedBackend& backend) {
        int count = 0;
        for(const auto& ref : refs) {
            count += backend.check(ref) ? 0 : 1;
        }
        return count;
    };
    CHECK_THROWS_AS(rewrap(with_passphrase, to_key(wrapping, [](const RewrapProgress&) { throw Stop(); })), Stop);
    CHECK(usable(under(place, keys, wrapping.to_string())) == 5);
    CHECK(usable(place.opened()) == 3);
    const bool same_call = GENERATE(true, false);
    const auto resumed =
        same_call ? rewrap(with_passphrase, to_key(wrapping)) : rewrap(under(place, keys, wrapping.to_string()), {});
    CHECK(resumed.resumed);
    CHECK(resumed.rewrapped == 3);
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
    CHECK(usable(under(place, keys, wrapping.to_string())) == 5);
    CHECK(usable(place.opened()) == 0);

    const auto other = keys.make("other");
    CHECK(rewrap(under(place, keys, wrapping.to_string()), to_key(other)).rewrapped == 5);
    CHECK(usable(under(place, keys, other.to_string())) == 5);
    CHECK(usable(under(place, keys, wrapping.to_string())) == 0);
    // The same key stays, under a new key-encryption key.
    const auto before = place.answer("select id from key_encryption_key");
    CHECK(rewrap(under(place, keys, other.to_string()), {}).rewrapped == 5);
    CHECK(place.answer("select id from key_encryption_key") != before);

    CHECK(rewrap(under(place, keys, other.to_string()), {.new_passphrase = Secret("correct horse")}).rewrapped == 5);
    CHECK(place.answer("select kind from key_encryption_key") == "passphrase");
    CHECK(usable(place.opened()) == 5);
}

TEST_CASE("what was begun for a passphrase is ended, and goes on where the settings name a key by then") {
    const DatabasePlace place;
    const Keys keys;
    const auto wrapping = keys.make("wrapping");
    const auto before = under_passphrase(place, keys);
    for(const auto* const label : {"a", "b", "c"}) {
        static_cast<void>(before.create("ed25519", {{"label", label}}));
    }
    RewrapRequest to_passphrase{.new_passphrase = Secret("next"), .batch = 2};
    to_passphrase.progress = [](const RewrapProgress&) { throw Stop(); };
    CHECK_THROWS_AS(rewrap(before, to_passphrase), Stop);
    auto settings = place.settings();
    settings["wrapping-key"] = wrapping.to_string();
    const OpenedBackend both(database_backend(), settings, {{"PASS", "next"}}, keys.opener());
    CHECK(dynamic_cast<KeyRewrapper&>(*both.operator->()).keys_to_rewrap({}, both.options(Phase::use, {})) == 3);
    const auto done = rewrap(both, {});
    CHECK_FALSE(done.resumed);
    CHECK(done.rewrapped == 3);
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
    CHECK(place.answer("select kind from key_encryption_key") == "wrapped");
    CHECK(under(place, keys, wrapping.to_string()).labels() == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a database without keys has nothing to be put under another key") {
    const DatabasePlace place;
    const Keys keys;
    const auto backend = under_passphrase(place, keys);
    const RewrapRequest request{.new_passphrase = Secret("next")};
    CHECK(dynamic_cast<KeyRewrapper&>(*backend.operator->()).keys_to_rewrap(request, backend.options(Phase::use, {})) == 0);
    const auto done = rewrap(backend, request);
    CHECK(done.is_empty);
    CHECK(done.rewrapped == 0);
    // Its first key is under the passphrase of the settings.
    CHECK(!backend.check(backend.create("p-256", {{"label", "a"}}).ref));
    CHECK_FALSE(rewrap(backend, {}).is_empty);
}

TEST_CASE("new keys do not go under a passphrase where the settings wish for a key") {
    const DatabasePlace place;
    const Keys keys;
    const auto ref = under_passphrase(place, keys).create("p-256", {{"label", "a"}}).ref;
    const auto both = under(place, keys, keys.make("wrapping").to_string(), {{"passphrase", "env:PASS"}});
    CHECK(!both.check(ref));
    const auto error = raised([&] { return both.create("p-256", {{"label", "b"}}); });
    CHECK(error.code() == Errc::invalid_option);
    CHECK(error.hint().find("rewrap") != std::string::npos);
    CHECK(dynamic_cast<const NewKeyChecker&>(*both.operator->())
              .check_new(KeySpec::parse("p-256"), Phase::create, both.options(Phase::create, {{"label", "b"}}))
              ->code() == Errc::invalid_option);
    CHECK(rewrap(both, {}).rewrapped == 1);
    CHECK(place.answer("select kind from key_encryption_key") == "wrapped");
    static_cast<void>(both.create("p-256", {{"label", "b"}}));
}

TEST_CASE("a key-encryption key that somebody else has wrapped is not taken, nor one that was changed") {
    const DatabasePlace place;
    const Keys keys;
    const auto wrapping = keys.make("wrapping");
    const auto backend = under(place, keys, wrapping.to_string());
    const auto ref = backend.create("p-256", {{"label", "a"}}).ref;
    SECTION("one of somebody who can write to the database and has the public key, but not the private one") {
        // Whole, but for the signature, which is the old one, or another key's.
        const auto id = place.answer("select id from key_encryption_key");
        const Botan::secure_vector<std::uint8_t> theirs(32, 7);
        const std::string constant = "keyway-1";
        const auto check = seal(theirs, std::vector<std::uint8_t>(constant.begin(), constant.end()),
                                associated_data("key-encryption-key-check",
                                                {id, wrapping.fingerprint().to_string(), "RSA-OAEP-SHA-256"}));
        const auto public_key = keys.public_key(wrapping);
        const Botan::PK_Encryptor_EME encryptor(*public_key, Botan::system_rng(), "OAEP(SHA-256)");
        const auto wrapped = Botan::base64_encode(encryptor.encrypt(theirs, Botan::system_rng()));
        place.execute("update key_encryption_key set check_value = '" + check + "', wrapped_key = '" + wrapped + "'");
        if(GENERATE(true, false)) {
            const auto signed_by_another = new_wrapped_key_encryption_key(*keys.opener()(keys.make("theirs")), wrapping.fingerprint().to_string());
            place.execute("update key_encryption_key set wrap_signature = '" + signed_by_another.record.wrap_signature + "'");
        }
    }
    SECTION("no signature") { place.execute("update key_encryption_key set wrap_signature = ''"); }
    SECTION("another way of wrapping") { place.execute("update key_encryption_key set wrap_mechanism = 'RSA-OAEP-SHA-1'"); }
    SECTION("no base64") { place.execute("update key_encryption_key set wrapped_key = '%'"); }
    SECTION("nothing") { place.execute("update key_encryption_key set wrapped_key = null, wrap_signature = null"); }
    SECTION("another check value") { place.execute("update key_encryption_key set check_value = 'AAAA'"); }
    const auto fresh = under(place, keys, wrapping.to_string());
    CHECK(fresh.check(ref)->code() == Errc::malformed_data);
    CHECK(raised([&] { return fresh.create("p-256", {{"label", "b"}}); }).code() == Errc::malformed_data);
}

TEST_CASE("a key in SoftHSM: one that signs and decrypts, one that only decrypts, and one that may not") {
    softhsm_fixtures::SoftHsmFixture softhsm;
    const OpenedBackend hsm(hsm_backend(),
                            {{"module", softhsm.token().module_path().string()},
                             {"token-label", softhsm.token().label()},
                             {"user-pin", "env:PIN"}},
                            {{"PIN", softhsm.token().user_pin()}});
    const auto make = [&](const std::string& label, const std::string& usage) {
        const auto ref = hsm.create("rsa-2048", {{"label", label}, {"usage", usage}}).ref;
        return KeyRef(BackendAlias("hsm"), ref.backend_type(), ref.key(), ref.fingerprint(), ref.locator());
    };
    const auto under_hsm = [&](const DatabasePlace& place, const KeyRef& wrapping) {
        return test::opened_under(place, wrapping.to_string(),
                                  [&](const WrappingKeyName& name) { return rsa_key_wrapper(hsm.use(name.ref().value())); });
    };
    for(const auto* const usage : {"sign,decrypt", "decrypt"}) {
        INFO(usage);
        const DatabasePlace place;
        const auto wrapping = make(usage, usage);
        const auto ref = under_hsm(place, wrapping).create("p-256", {{"label", "a"}}).ref;
        CHECK(!under_hsm(place, wrapping).check(ref));
        CHECK(place.answer("select wrap_mechanism from key_encryption_key") == "RSA-OAEP-SHA-256");
        CHECK((place.answer("select wrap_signature from key_encryption_key").empty()) == (usage == std::string("decrypt")));
        hsm.remove(KeyRef(BackendAlias("store"), wrapping.backend_type(), wrapping.key(), wrapping.fingerprint(), wrapping.locator()));
        CHECK(under_hsm(place, wrapping).check(ref)->code() == Errc::key_not_found);
    }
    const DatabasePlace place;
    CHECK(raised([&] { return under_hsm(place, make("s", "sign")).create("p-256", {{"label", "a"}}); }).code() ==
          Errc::unsupported);
    CHECK(under_hsm(place, make("t", "decrypt")).labels().empty());
}
