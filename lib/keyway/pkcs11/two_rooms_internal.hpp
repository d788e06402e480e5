// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace keyway::pkcs11 {

/// Two rooms of which one is empty while anybody is in the other. Any number of threads can be in one room at once. Whoever waits
/// gets in before those who come later for the other room, so that nobody waits for longer than those inside take.
/// @threadsafety safe
class TwoRooms {
public:
    enum class Room : std::size_t { first, second };

    /// Goes in when the other room is empty; after a while also when it is not: whoever is there may hang.
    /// @return whether the other room was empty
    bool enter(Room room, std::chrono::steady_clock::time_point at_latest) {
        std::unique_lock lock(mutex_);
        const auto came = round_;
        ++waiting(room);
        emptied_.wait_until(lock, at_latest, [&] {
            return inside(other(room)) == 0 && (waiting(other(room)) == 0 || (next_ == room && (came < round_ || inside(room) == 0)));
        });
        --waiting(room);
        ++inside(room);
        return inside(other(room)) == 0;
    }

    void leave(Room room) noexcept {
        // Told with the lock held: whoever gets it may destroy this.
        const std::lock_guard lock(mutex_);
        if(--inside(room) == 0) {
            next_ = other(room);
            ++round_;
            emptied_.notify_all();
        }
    }

private:
    static Room other(Room room) noexcept { return room == Room::first ? Room::second : Room::first; }
    [[nodiscard]] std::size_t& inside(Room room) noexcept { return inside_[static_cast<std::size_t>(room)]; }
    [[nodiscard]] std::size_t& waiting(Room room) noexcept { return waiting_[static_cast<std::size_t>(room)]; }

    std::mutex mutex_;
    std::condition_variable emptied_;
    std::array<std::size_t, 2> inside_{};
    std::array<std::size_t, 2> waiting_{};
    Room next_ = Room::first;  // whose turn it is, of those who came before the last of the other room left
    std::uint64_t round_ = 0;
};

}  // namespace keyway::pkcs11
