// SPDX-License-Identifier: BSD-2-Clause
// The end of a process that uses keys of a token, in many ways: status 0, and nothing on stderr.
#include <backends/hsm/fault_support.hpp>
#include <support/process.hpp>

#include <cstdlib>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

void ends_well(const HsmStore& store, const std::string& way) {
    const char* const program = std::getenv("KEYWAY_EXIT_PROGRAM");
    REQUIRE(program != nullptr);
    INFO(way);
    const auto result = test::run({program, store.module(), store.token().label(), store.token().user_pin_file().string(), way});
    CHECK(result.status == 0);
    CHECK(result.err == "");
}

}  // namespace

TEST_CASE("key, operation and backend may go in any order, in any thread, also after main") {
    const HsmStore store;
    {
        const auto backend = store.open();
        static_cast<void>(HsmStore::create(*backend, "root"));
    }
    for(const auto* order : {"bko", "bok", "kbo", "kob", "obk", "okb"}) {
        ends_well(store, std::string("order-") + order);
        ends_well(store, std::string("thread-order-") + order);
    }
    for(const auto* way : {"static", "static-signs", "function-static", "leaked", "dropped-by-signers"}) {
        ends_well(store, way);
    }
}

TEST_CASE("a process may end while its threads sign") {
    const HsmStore store;
    static_cast<void>(HsmStore::create(*store.open(), "root"));
    for(int i = 0; i < 5; ++i) {
        ends_well(store, "thread-exits");
        ends_well(store, "main-ends");
    }
}
