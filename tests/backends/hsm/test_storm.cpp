// SPDX-License-Identifier: BSD-2-Clause
// A token that is gone, and a hundred threads that want to sign with it: one of them looks for it, with pauses that grow.
#include <backends/hsm/fault_support.hpp>

#include <keyway/backends/hsm/hsm_backend.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

constexpr int many = 100;

/// What a look at the slots costs the token's module, and what goes to it at all.
std::uint64_t asked(const HsmStore& store) {
    return store.fault().calls("C_GetSlotList") + store.fault().calls("C_OpenSession") + store.fault().calls("C_SignInit");
}

}  // namespace

TEST_CASE("100 threads do not storm a token that is gone, and all sign when it is back", "[threads]") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open({{"deadline-ms", "20000"}});
    const auto key = backend->use(HsmStore::create(*backend, "right").ref, {});
    const auto right = key->public_key();
    REQUIRE(test::signs(*key));

    store.fault().inject(R"({"fault": "device-removed", "function": "C_SignInit"})");
    store.fault().reset_counters();
    std::atomic<int> valid = 0;
    std::atomic<int> failed = 0;
    std::vector<std::jthread> threads;
    for(int i = 0; i < many; ++i) {
        threads.emplace_back([&] {
            const auto outcome = test::outcome_of([&] { valid += test::signs_as(*key, *right) ? 1 : 0; });
            failed += outcome.error ? 1 : 0;
        });
    }
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const auto while_gone = asked(store);
    const auto counters = hsm_counters(*backend).value();
    // Pauses of 20, 40, 80, ... ms with jitter: about ten looks in two seconds. Who met the loss himself had called before.
    INFO(while_gone << " calls while it was gone, " << counters.looks << " looks");
    CHECK(counters.circuit != pkcs11::Circuit::closed);
    CHECK(counters.looks >= 3);
    CHECK(counters.looks <= 20);
    CHECK(while_gone <= 2 * many);
    CHECK(valid == 0);

    store.fault().inject(R"({"insert": "device"})");
    threads.clear();
    CHECK(valid == many);
    CHECK(failed == 0);
    CHECK(store.fault().calls("C_Login") == 1);
    CHECK(hsm_counters(*backend)->circuit == pkcs11::Circuit::closed);
}

TEST_CASE("the deadline of 100 threads that wait for a token ends together, and the next call fails as fast", "[threads]") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open({{"deadline-ms", "1000"}});
    const auto key = backend->use(HsmStore::create(*backend, "right").ref, {});
    store.fault().inject(R"({"fault": "device-removed", "function": "C_SignInit"})");
    std::atomic<int> in_time = 0;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < many; ++i) {
            threads.emplace_back([&] {
                const auto outcome = test::outcome_of([&] { static_cast<void>(test::signs(*key)); });
                const bool right = outcome.error && outcome.error->code() == Errc::token_not_found;
                in_time += right && outcome.took < std::chrono::seconds(3) ? 1 : 0;
            });
        }
    }
    CHECK(in_time == many);
    store.fault().inject(R"({"insert": "device"})");
    CHECK(test::signs(*key));
}
