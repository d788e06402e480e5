// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/gate_internal.hpp>

#include <support/raises.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace keyway;
using namespace keyway::pkcs11;
using namespace std::chrono_literals;

TEST_CASE("a gate lets in many at once, and one alone") {
    Gate gate;
    std::atomic<bool> alone{false};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<std::uint64_t> visits{0};
    std::vector<std::jthread> visitors;
    for(int t = 0; t < 4; ++t) {
        visitors.emplace_back([&] {
            while(!stop) {
                gate.enter();
                wrong += alone ? 1U : 0U;
                gate.enter_again();
                gate.leave();
                wrong += alone ? 1U : 0U;
                ++visits;
                gate.leave();
                std::this_thread::yield();
            }
        });
    }
    for(int i = 0; i < 200; ++i) {
        REQUIRE(gate.close(Deadline(5'000ms)));
        alone = true;
        std::this_thread::yield();
        alone = false;
        gate.open();
    }
    const auto before = visits.load();
    while(visits < before + 100) {
        std::this_thread::yield();
    }
    stop = true;
    visitors.clear();
    CHECK(wrong == 0);
}

TEST_CASE("who closes a gate gives up at the deadline, and it is open as before") {
    Gate gate;
    gate.enter();
    const auto begin = Deadline::Clock::now();
    std::jthread late([&] {
        std::this_thread::sleep_for(10ms);
        gate.enter();  // waits until the other gives up
        gate.leave();
    });
    CHECK_FALSE(gate.close(Deadline(50ms)));
    CHECK(Deadline::Clock::now() - begin < 2s);
    late.join();
    gate.enter();
    gate.leave();
    gate.leave();
    CHECK(gate.close(Deadline(50ms)));
    gate.open();
}

TEST_CASE("a gate that is closed for good is an error to whoever closed it, and stays closed") {
    Gate gate;
    gate.enter();  // stays inside
    gate.close_for_good(Deadline(10ms));
    CHECK_THROWS_AS(gate.enter(), Error);
    gate.open();
    CHECK_THROWS_AS(gate.enter(), Error);
    gate.leave();
    CHECK_THROWS_AS(gate.enter(), Error);
}

TEST_CASE("who finds a gate closed waits no longer than his deadline, and is not inside then") {
    Gate gate;
    REQUIRE(gate.close(Deadline(1'000ms)));
    std::jthread visitor([&] {
        const auto begin = Deadline::Clock::now();
        const Deadline deadline(50ms);
        CHECK_RAISES(gate.enter(&deadline), Errc::timed_out);
        CHECK(Deadline::Clock::now() - begin < 1s);
    });
    visitor.join();
    gate.open();
    CHECK(gate.close(Deadline(0ms)));
    gate.open();
}
