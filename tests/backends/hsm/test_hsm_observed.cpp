// SPDX-License-Identifier: BSD-2-Clause
// What is told of the use of keys in a token: counters, and each use to an observer.
#include <backends/hsm/hsm_store.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <support/raises.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <mutex>
#include <stdexcept>

using namespace keyway;
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
