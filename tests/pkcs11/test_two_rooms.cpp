// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/two_rooms_internal.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <thread>
#include <vector>

using keyway::pkcs11::TwoRooms;
using namespace std::chrono_literals;

namespace {

auto in(std::chrono::milliseconds patience) {
    return std::chrono::steady_clock::now() + patience;
}

}  // namespace

TEST_CASE("any number can be in one of two rooms, and whoever wants the other waits until it is empty") {
    TwoRooms rooms;
    CHECK(rooms.enter(TwoRooms::Room::first, in(0ms)));
    CHECK(rooms.enter(TwoRooms::Room::first, in(0ms)));
    std::atomic<bool> inside = false;
    std::jthread other([&] {
        CHECK(rooms.enter(TwoRooms::Room::second, in(10s)));
        inside = true;
        rooms.leave(TwoRooms::Room::second);
    });
    rooms.leave(TwoRooms::Room::first);
    std::this_thread::sleep_for(20ms);
    CHECK_FALSE(inside);
    rooms.leave(TwoRooms::Room::first);
    other.join();
    CHECK(inside);
}

TEST_CASE("whoever waits for a room for too long goes in, and says so") {
    TwoRooms rooms;
    CHECK(rooms.enter(TwoRooms::Room::first, in(0ms)));
    CHECK_FALSE(rooms.enter(TwoRooms::Room::second, in(10ms)));
    rooms.leave(TwoRooms::Room::first);
    CHECK_FALSE(rooms.enter(TwoRooms::Room::first, in(10ms)));
    rooms.leave(TwoRooms::Room::first);
    rooms.leave(TwoRooms::Room::second);
    CHECK(rooms.enter(TwoRooms::Room::first, in(0ms)));
    rooms.leave(TwoRooms::Room::first);
}

TEST_CASE("whoever waits gets in before those who come later for the room that is in use") {
    TwoRooms rooms;
    CHECK(rooms.enter(TwoRooms::Room::first, in(0ms)));
    std::atomic<bool> inside = false;
    std::atomic<bool> leave = false;
    std::jthread waiting([&] {
        CHECK(rooms.enter(TwoRooms::Room::second, in(60s)));
        inside = true;
        while(!leave) {
            std::this_thread::sleep_for(1ms);
        }
        rooms.leave(TwoRooms::Room::second);
    });
    std::this_thread::sleep_for(100ms);  // until it waits: where it does not yet, the next line would find nobody and succeed
    const auto begin = std::chrono::steady_clock::now();
    CHECK(rooms.enter(TwoRooms::Room::first, in(50ms)));  // the other room is empty, but it is not this one's turn
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
    CHECK_FALSE(inside);
    rooms.leave(TwoRooms::Room::first);
    rooms.leave(TwoRooms::Room::first);
    while(!inside) {
        std::this_thread::sleep_for(1ms);
    }
    leave = true;
}

TEST_CASE("nobody is in both rooms when many come and go") {
    TwoRooms rooms;
    std::atomic<int> inside[2] = {0, 0};
    std::atomic<bool> met = false;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                const auto mine = static_cast<std::size_t>(i % 2);
                for(int round = 0; round < 500; ++round) {
                    if(!rooms.enter(TwoRooms::Room{mine}, in(60s))) {
                        met = true;
                    }
                    ++inside[mine];
                    met = met || inside[1 - mine] != 0;
                    --inside[mine];
                    rooms.leave(TwoRooms::Room{mine});
                }
            });
        }
    }
    CHECK_FALSE(met);
}
