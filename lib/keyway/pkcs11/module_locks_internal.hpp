// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/gate_internal.hpp>
#include <keyway/pkcs11/module_internal.hpp>
#include <keyway/pkcs11/two_rooms_internal.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace keyway::pkcs11 {

/// For so long after a session was left open, the others are left at once: its turn was not to be had just now.
constexpr Milliseconds left_for{1'000};

/// In one allocation that a forked child replaces as a whole.
struct Module::Locks {
    Gate gate;
    TimedMutex initialising;
    TimedMutex turn;  // of a module that stands one thread at a time

    /// Modules make up their list of slots while they tell it, and some do not lock that (SoftHSM 2.6.1).
    TimedMutex slots;

    /// For modules that do not lock their sessions.
    TimedMutex sessions;

    /// For modules that do not lock their objects.
    TwoRooms objects;

    /// Those that nobody had the turn to close.
    struct LeftSession {
        CK_SESSION_HANDLE session;
        std::uint64_t generation;
    };
    std::mutex left_mutex;
    std::vector<LeftSession> left;
    /// When one was last left: whoever closes many of them does not wait for the turn each time.
    std::atomic<Deadline::Clock::rep> left_at{(Deadline::Clock::now() - left_for).time_since_epoch().count()};
};

}  // namespace keyway::pkcs11
