// SPDX-License-Identifier: BSD-2-Clause
// Processes that are killed while they make keys, and processes that work on one token at once. The normal suite does
// it for seconds, the suite "long" for minutes ("[long]").
#include <backends/endurance/endurance.hpp>
#include <backends/hsm/hsm_store.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>

using namespace keyway;
using keyway::test::HsmStore;
using keyway::test::OpenedBackend;

namespace {

/// SoftHSM rewrites its token's file at each login, not atomically: whoever is killed in that moment takes the token with him,
/// whatever program it is. And PKCS#11 keeps no label unique among processes.
test::EnduringStore store_on(const HsmStore& store) {
    return {.open =
                [&store] {
                    const OpenedBackend::Texts settings{
                        {"module", store.module()}, {"token-label", store.token().label()}, {"user-pin", "env:PIN"}};
                    return OpenedBackend(hsm_backend(), settings, {{"PIN", std::string(store.token().user_pin())}});
                },
            .opens_in_one = false,
            .keeps_labels_unique = false,
            .leaves_no_remains = false};
}

}  // namespace

TEST_CASE("a process killed while it makes keys leaves each whole or none of it") {
    const HsmStore store;
    test::kill_in_the_middle(store_on(store), 30);
}

TEST_CASE("two processes with 8 threads each lose no key and get no wrong one") {
    const HsmStore store;
    test::work_together(store_on(store), std::chrono::seconds(3));
}

TEST_CASE("a thousand kills", "[.long]") {
    const HsmStore store;
    test::kill_in_the_middle(store_on(store), 1000);
}

TEST_CASE("a minute of two processes", "[.long]") {
    const HsmStore store;
    test::work_together(store_on(store), std::chrono::seconds(60));
}
