// SPDX-License-Identifier: BSD-2-Clause
// What is told of the use of keys in a token: counters, and each use to an observer.
#include <backends/hsm/fault_support.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/observed_key_internal.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <support/guises.hpp>
#include <support/raises.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;

std::vector<std::uint8_t> sign(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    return Botan::PK_Signer(key, rng, "SHA-256").sign_message(std::vector<std::uint8_t>{1, 2, 3}, rng);
}

/// Keeps what it was told, as the texts end with the call.
struct Record {
    struct Entry {
        std::string backend;
        std::string key;
        std::string spki_sha256;
        std::string operation;
        int failures;
        bool repeated;
        bool verified;
        std::string error;
    };
    std::mutex mutex;
    std::vector<Entry> entries;

    KeyUseObserver observer() {
        return [this](const KeyUse& use) {
            const std::lock_guard lock(mutex);
            entries.push_back({std::string(use.backend), std::string(use.key), std::string(use.spki_sha256),
                               std::string(use.operation), use.failures, use.repeated, use.verified,
                               use.error == nullptr ? "" : use.error->return_value()});
        };
    }
};

}  // namespace

TEST_CASE("a key whose uses are told of is stored in a token as any other") {
    const HsmStore store;
    const auto backend = store.open();
    Record record;
    for(const std::string kind : {"p-256", "rsa-2048", "ed25519"}) {
        INFO(kind);
        const auto key = observed(generate_software_key(KeySpec::parse(kind)), "file", "a key", record.observer());
        const auto ref = backend->store(*key, HsmStore::options(Phase::store, {{"label", kind}}));
        const auto stored = backend->use(ref, {});
        auto& rng = Botan::system_rng();
        Botan::PK_Signer signer(*stored, rng, choose_scheme(*stored).botan_padding());
        CHECK_FALSE(signer.sign_message(std::vector<std::uint8_t>{1, 2, 3}, rng).empty());  // and was verified, being the first
    }
    CHECK(record.entries.empty());
}

TEST_CASE("counters tell what happened with a token") {
    const HsmStore store(faulty);
    const auto backend = store.open({{"max-sessions", "4"}});
    CHECK(hsm_counters(*backend) == std::nullopt);
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    const auto before = hsm_counters(*backend).value();
    CHECK(before.token == store.token().label());
    CHECK(before.logins == 1);
    CHECK(before.failures.empty());

    for(int i = 0; i < 5; ++i) {
        static_cast<void>(sign(*key));
    }
    store.fault().inject(R"({"fault": "session-lost", "function": "C_Sign", "sessions": "all", "when": "after"})");
    static_cast<void>(sign(*key));
    store.fault().inject(R"({"fault": "return", "function": "C_SignInit", "rv": "CKR_DEVICE_ERROR", "times": 2})");
    static_cast<void>(sign(*key));
    store.fault().inject(R"({"fault": "device-removed", "function": "C_SignInit", "ms": 50})");
    static_cast<void>(sign(*key));

    const auto after = hsm_counters(*backend).value();
    CHECK(after.operations - before.operations == 8);
    CHECK(after.failures.at("CKR_DEVICE_ERROR") == 2);
    CHECK(after.failures.at("CKR_DEVICE_REMOVED") >= 1);
    CHECK(after.logins == 3);
    CHECK(after.reconnects == 1);
    CHECK(after.looks >= 2);
    CHECK(after.circuit == pkcs11::Circuit::closed);
    CHECK(after.sessions_in_use == 0);
    CHECK(after.sessions_most == 4);
    // After the session was lost behind C_Sign, and again after each time that the key was found anew.
    CHECK(after.verified - before.verified >= 3);

    const auto text = after.to_prometheus();
    CHECK(text.find("# TYPE keyway_operations_total counter\nkeyway_operations_total{token=\"" + store.token().label() + "\"} " +
                    std::to_string(after.operations) + '\n') != std::string::npos);
    CHECK(text.find(",return_value=\"CKR_DEVICE_ERROR\"} 2\n") != std::string::npos);
    CHECK(text.find("keyway_circuit_open{token=\"" + store.token().label() + "\"} 0\n") != std::string::npos);
    CHECK(text.find(store.token().user_pin()) == std::string::npos);
}

TEST_CASE("an answer that was lost makes a signature that the token may have made twice") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    store.fault().inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "when": "after", "times": 1})");
    static_cast<void>(sign(*key));
    CHECK(hsm_counters(*backend)->repeated == 1);
    store.fault().inject(R"({"fault": "return", "function": "C_SignInit", "rv": "CKR_DEVICE_ERROR", "times": 1})");
    static_cast<void>(sign(*key));
    CHECK(hsm_counters(*backend)->repeated == 1);
}

TEST_CASE("an observer is told of each use, without a secret") {
    Record record;
    const HsmStore store(faulty);
    BackendContext context;
    context.observer = record.observer();
    const auto backend = store.open({}, context);
    const auto made = HsmStore::create(*backend, "root");
    const auto key = backend->use(made.ref, {});
    record.entries.clear();

    static_cast<void>(sign(*key));
    static_cast<void>(sign(*key));
    store.fault().inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "times": 1})");
    static_cast<void>(sign(*key));
    store.fault().inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DATA_INVALID", "times": 1})");
    CHECK_RAISES(sign(*key), Errc::token_failed);

    REQUIRE(record.entries.size() == 4);
    for(const auto& entry : record.entries) {
        CHECK(entry.backend == "hsm");
        CHECK(entry.key.find("\"root\"") != std::string::npos);
        CHECK(entry.spki_sha256 == made.ref.fingerprint().to_string());
        CHECK(entry.operation == "sign");
        CHECK(entry.key.find(store.token().user_pin()) == std::string::npos);
    }
    CHECK(record.entries[0].verified);
    CHECK_FALSE(record.entries[1].verified);
    CHECK(record.entries[2].failures == 1);
    CHECK(record.entries[2].repeated);
    CHECK(record.entries[2].error.empty());
    CHECK(record.entries[3].error == "CKR_DATA_INVALID");
}

TEST_CASE("a use that cannot be recorded is none") {
    const HsmStore store;
    bool full = false;
    BackendContext context;
    context.observer = [&](const KeyUse&) {
        if(full) {
            throw std::runtime_error("the disk is full");
        }
    };
    const auto backend = store.open({}, context);
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    CHECK_FALSE(sign(*key).empty());
    full = true;
    CHECK_THROWS_AS(sign(*key), std::runtime_error);
    full = false;
    CHECK_FALSE(sign(*key).empty());
}

TEST_CASE("a token's observer is told of each loss and what is done about it, in order, and of no plain signature", "[threads]") {
    std::mutex mutex;
    std::vector<std::string> events;
    std::string all;
    BackendContext context;
    context.token_observer = [&](const TokenEvent& event) {
        const std::lock_guard lock(mutex);
        CHECK(event.backend == "hsm");
        CHECK(event.took.count() >= 0);
        events.push_back(std::string(event.event) + (event.return_value.empty() ? "" : " ") + std::string(event.return_value) +
                         (event.attempt == 0 ? "" : " " + std::to_string(event.attempt)));
        all += events.back() + ' ' + std::string(event.token) + '\n';
        throw std::runtime_error("nobody minds");
    };
    const HsmStore store(faulty);
    const auto backend = store.open({{"max-sessions", "1"}, {"deadline-ms", "1500"}}, context);
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    const auto taken = [&] { return std::exchange(events, {}); };
    CHECK(taken() == std::vector<std::string>{"login"});
    static_cast<void>(sign(*key));
    static_cast<void>(sign(*key));
    CHECK(taken().empty());

    store.fault().inject(R"({"fault": "logged-out", "function": "C_SignInit"})");
    static_cast<void>(sign(*key));
    const std::vector<std::string> stale{"failure CKR_OBJECT_HANDLE_INVALID 1", "find CKR_USER_NOT_LOGGED_IN",
                                         "failure CKR_USER_NOT_LOGGED_IN 2"};
    const auto after_stale = [&](std::initializer_list<std::string> more) {
        auto all_of_them = stale;
        all_of_them.insert(all_of_them.end(), more);
        return all_of_them;
    };
    CHECK(taken() == after_stale({"login", "find"}));

    store.fault().inject(R"({"fault": "device-removed", "function": "C_SignInit", "ms": 5})");
    static_cast<void>(sign(*key));
    // It is back by itself, before or after the first look: its module is not reloaded for that.
    auto told = taken();
    std::erase_if(told, [](const std::string& event) { return event.starts_with("look "); });
    CHECK(told == std::vector<std::string>{"failure CKR_DEVICE_REMOVED 1", "away CKR_DEVICE_REMOVED", "login", "back", "find"});
    CHECK(hsm_counters(*backend)->reloads == 0);

    store.fault().inject(fault_line("return", "C_SignInit", R"("rv": "CKR_CRYPTOKI_NOT_INITIALIZED", "times": 1)"));
    static_cast<void>(sign(*key));
    CHECK(taken() == std::vector<std::string>{"failure CKR_CRYPTOKI_NOT_INITIALIZED 1", "away CKR_CRYPTOKI_NOT_INITIALIZED", "reload",
                                              "login", "look 1", "back", "find"});

    // Two threads and one session.
    store.fault().inject(fault_line("slow", "C_Sign", R"("ms": 50, "times": 1)"));
    {
        std::jthread other([&] { static_cast<void>(sign(*key)); });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        static_cast<void>(sign(*key));
    }
    CHECK(taken() == std::vector<std::string>{"session-wait"});

    store.fault().inject(R"({"fault": "pin-rejected", "times": 1})");
    store.fault().inject(R"({"fault": "logged-out", "function": "C_SignInit"})");
    CHECK_RAISES(sign(*key), Errc::pin_incorrect);
    CHECK(taken() == after_stale({"login CKR_PIN_INCORRECT"}));
    all += hsm_counters(*backend)->to_prometheus();
    for(const auto& guise : test::guises(store.token().user_pin())) {
        INFO(guise);
        CHECK(guise.size() > 4);
        CHECK(all.find(guise) == std::string::npos);
    }
}
