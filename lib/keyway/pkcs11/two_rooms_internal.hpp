// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace keyway::pkcs11 {

/// Two rooms of which one is empty while anybody is in the other. Any number of threads can be in one room at once.
/// @threadsafety safe
class TwoRooms {
public:
    enum class Room : std::size_t { first, second };

    /// Goes in when the other room is empty; after a while also when it is not: whoever is there may hang.
    /// @return whether the other room was empty
    bool enter(Room room, std::chrono::steady_clock::time_point at_latest) {
        std::unique_lock lock(mutex_);
        const bool empty = emptied_.wait_until(lock, at_latest, [&] { return inside(other(room)) == 0; });
        ++inside(room);
        return empty;
    }

    void leave(Room room) noexcept {
        // Told with the lock held: whoever gets it may destroy this.
        const std::lock_guard lock(mutex_);
        if(--inside(room) == 0) {
            emptied_.notify_all();
        }
    }

private:
    static Room other(Room room) noexcept { return room == Room::first ? Room::second : Room::first; }
    [[nodiscard]] std::size_t& inside(Room room) noexcept { return inside_[static_cast<std::size_t>(room)]; }

    std::mutex mutex_;
    std::condition_variable emptied_;
    std::array<std::size_t, 2> inside_{};
};

}  // namespace keyway::pkcs11
