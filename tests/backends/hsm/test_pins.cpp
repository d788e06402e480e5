// SPDX-License-Identifier: BSD-2-Clause
// PINs under faults: none is tried twice, none is made up, and a key that wants one each time gets it each time.
#include <backends/hsm/fault_scene.hpp>
#include <support/raises.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;
using keyway::test::log_out;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;

/// A file with a PIN that the test changes while the backend runs.
class PinFile {
public:
    explicit PinFile(const HsmStore& store) : path_(store.token().directory() / "changing-pin"), right_(store.token().user_pin()) {
        hold(right_);
    }
    void hold(const std::string& pin) const {
        std::ofstream(path_) << pin;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    void hold_the_right_one() const { hold(right_); }
    void hold_a_wrong_one() const { hold("00" + right_); }
    void vanish() const { std::filesystem::remove(path_); }
    [[nodiscard]] std::string source() const { return "file:" + path_.string(); }

private:
    std::filesystem::path path_;
    std::string right_;
};

}  // namespace

TEST_CASE("a PIN that became wrong while the program ran is sent once, by 8 threads and 3 backends", "[threads]") {
    const HsmStore store(faulty);
    const PinFile pin(store);
    const auto source = pin.source();
    std::vector<std::unique_ptr<KeyBackend>> backends;
    std::vector<std::unique_ptr<Botan::Private_Key>> keys;
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    for(int b = 0; b < 3; ++b) {
        backends.push_back(store.open({{"user-pin", source}, {"deadline-ms", "3000"}}));
        keys.push_back(backends.back()->use(ref, {}));
        REQUIRE(test::signs(*keys.back()));
    }
    pin.hold_a_wrong_one();
    store.fault().reset_counters();
    log_out(store);
    std::atomic<int> incorrect = 0;
    std::atomic<int> other = 0;
    {
        std::vector<std::jthread> threads;
        for(std::size_t t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                for(int i = 0; i < 5; ++i) {
                    const auto outcome = test::outcome_of([&] { static_cast<void>(test::signs(*keys[t % 3])); });
                    if(outcome.error && outcome.error->code() == Errc::pin_incorrect) {
                        ++incorrect;
                    } else {
                        ++other;
                    }
                }
            });
        }
    }
    CHECK(incorrect == 40);
    CHECK(other == 0);
    CHECK(store.fault().calls("C_Login") == 1);
}

TEST_CASE("a PIN's source that vanished is an error, not an empty PIN") {
    const HsmStore store(faulty);
    const PinFile pin(store);
    const auto source = pin.source();
    const auto backend = store.open({{"user-pin", source}, {"deadline-ms", "1500"}});
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto key = backend->use(ref, {});
    REQUIRE(test::signs(*key));
    pin.vanish();
    store.fault().reset_counters();
    log_out(store);
    CHECK_RAISES(test::signs(*key), Errc::secret_unavailable);
    CHECK_RAISES(backend->use(ref, {}), Errc::secret_unavailable);
    // The token was away besides.
    store.fault().inject(R"({"fault": "device-removed", "ms": 20})");
    CHECK_RAISES(test::signs(*key), Errc::secret_unavailable);
    CHECK(store.fault().calls("C_Login") == 0);
    pin.hold_the_right_one();
    CHECK(test::signs(*key));
    CHECK(store.fault().calls("C_Login") == 1);
}

TEST_CASE("pin-rejected: the same PIN is not tried again by any operation") {
    const HsmStore store(faulty);
    const auto backend = store.open({{"deadline-ms", "1500"}});
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto key = backend->use(ref, {});
    store.fault().inject(R"({"fault": "pin-rejected", "times": 1})");
    store.fault().reset_counters();
    log_out(store);
    const auto before = store.objects();
    CHECK_RAISES(test::signs(*key), Errc::pin_incorrect);
    CHECK_RAISES(backend->use(ref, {}), Errc::pin_incorrect);
    CHECK_RAISES(HsmStore::create(*backend, "new"), Errc::pin_incorrect);
    CHECK_RAISES(backend->store(*test::software_key(), HsmStore::options(Phase::store, {{"label", "new"}})), Errc::pin_incorrect);
    CHECK_RAISES(dynamic_cast<KeyRemover&>(*backend).remove(ref, {}), Errc::pin_incorrect);
    CHECK(store.fault().calls("C_Login") == 1);
    CHECK(store.objects() == before);
}

TEST_CASE("pin-state: what a token says of tries stops a login by a program that nobody watches") {
    for(const auto* state : {"final-try", "locked", "count-low"}) {
        INFO(state);
        const HsmStore store(faulty);
        const auto backend = store.open({{"deadline-ms", "1500"}});
        const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
        REQUIRE(test::signs(*key));
        store.fault().inject(R"({"fault": "pin-state", "state": ")" + std::string(state) + "\"}");
        store.fault().reset_counters();
        CHECK(test::signs(*key));  // the login is there
        log_out(store);
        CHECK_RAISES(test::signs(*key), Errc::pin_locked);
        CHECK(store.fault().calls("C_Login") == 0);
        store.fault().clear();
        CHECK(test::signs(*key));
        CHECK(store.fault().calls("C_Login") == 1);
    }
}

TEST_CASE("pin-tries: a wrong PIN in the settings never locks the token, however often it is started") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    store.fault().inject(R"({"fault": "pin-tries", "tries": 3})");
    const auto wrong = store.wrong_pin_source();
    store.fault().reset_counters();
    for(int i = 0; i < 5; ++i) {
        CHECK(store.open({{"user-pin", wrong}})->check(ref, {}).has_value());
    }
    // One more wrong PIN, of which this process knows nothing: the token does.
    const PinFile other(store);
    other.hold("11" + store.token().user_pin());
    const auto source = other.source();
    CHECK(store.open({{"user-pin", source}})->check(ref, {}).value().code() == Errc::pin_locked);
    CHECK(store.fault().calls("C_Login") == 1);
}

TEST_CASE("pin-pad: the PIN is typed in at the token, and none is read or sent") {
    for(const std::string only : {"true", "false"}) {
        INFO("only " << only);
        const HsmStore store(faulty);
        const auto ref = HsmStore::create(*store.open(), "root").ref;
        store.fault().inject(R"({"fault": "pin-pad", "pin_file": ")" + store.token().user_pin_file().string() + R"(", "only": )" +
                             only + "}");
        const auto backend = store.open({{"user-pin", ""}, {"deadline-ms", "1500"}});
        const auto key = backend->use(ref, {});
        CHECK(test::signs(*key));
        log_out(store);
        CHECK(test::signs(*key));
        static_cast<void>(HsmStore::create(*backend, "new"));
    }
}

TEST_CASE("a key with CKA_ALWAYS_AUTHENTICATE gets the PIN for each signature, and a wrong one once", "[threads]") {
    const HsmStore store(faulty);
    const PinFile pin(store);
    const auto source = pin.source();
    const auto stored = HsmStore::create(*store.open(), "ordinary").ref;
    std::vector<std::uint8_t> id{0x0a, 0x0b};
    {
        const HsmStore::Direct direct(store);
        pkcs11::Template for_public;
        pkcs11::Template for_private;
        constexpr std::uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
        for_public.add_yes(CKA_TOKEN).add_no(CKA_PRIVATE).add_yes(CKA_VERIFY).add(CKA_ID, id).add_text(CKA_LABEL, "careful");
        for_public.add(CKA_EC_PARAMS, p256);
        for_private.add_yes(CKA_TOKEN).add_yes(CKA_PRIVATE).add_yes(CKA_SENSITIVE).add_yes(CKA_SIGN).add(CKA_ID, id);
        for_private.add_text(CKA_LABEL, "careful").add_yes(CKA_ALWAYS_AUTHENTICATE);
        CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
        CK_OBJECT_HANDLE made_public = 0;
        CK_OBJECT_HANDLE made_private = 0;
        const auto& session = direct.session();
        REQUIRE(session.calls().C_GenerateKeyPair(session.handle(), &mechanism, for_public.data(), for_public.size(),
                                                  for_private.data(), for_private.size(), &made_public, &made_private) == CKR_OK);
    }
    const auto backend = store.open({{"user-pin", source}, {"deadline-ms", "1500"}});
    std::optional<KeyRef> ref;
    for(const auto& info : dynamic_cast<KeyLister&>(*backend).list({}).keys) {
        if(info.label == "careful") {
            ref = info.ref;
        }
    }
    const auto key = backend->use(ref.value(), {});
    store.fault().reset_counters();
    for(int i = 1; i <= 3; ++i) {
        CHECK(test::signs(*key));
        CHECK(store.fault().calls("C_Login") == static_cast<std::uint64_t>(i));
    }
    {
        std::atomic<int> good = 0;
        std::vector<std::jthread> threads;
        for(int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for(int i = 0; i < 5; ++i) {
                    good += test::signs(*key) ? 1 : 0;
                }
            });
        }
        threads.clear();
        CHECK(good == 20);
        CHECK(store.fault().calls("C_Login") == 23);
    }
    // Whoever said it for this operation: that is success too.
    store.fault().inject(
        fault_line("return", "C_Login", R"("rv": "CKR_USER_ALREADY_LOGGED_IN", "times": 1, "when": "after")"));
    CHECK(test::signs(*key));
    store.fault().clear();
    // A lost session begins again, with the PIN.
    store.fault().inject(fault_line("session-lost", "C_Sign", R"("times": 1)"));
    CHECK(test::signs(*key));
    store.fault().clear();

    pin.hold_a_wrong_one();
    store.fault().reset_counters();
    for(int i = 0; i < 3; ++i) {
        const auto error = test::raised([&] { return test::signs(*key); });
        INFO(error.what());
        CHECK((error.code() == Errc::pin_incorrect || error.code() == Errc::pin_locked));
    }
    CHECK(store.fault().calls("C_Login") == 1);
    // Other keys are as before.
    CHECK(test::signs(*backend->use(stored, {})));
}
