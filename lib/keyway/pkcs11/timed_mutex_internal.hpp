// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace keyway::pkcs11 {

/// As std::timed_mutex, made of what the thread sanitizer knows: it does not see that pthread_mutex_clocklock locks (GCC 12),
/// and takes all that is guarded by it for races. For what is not locked once for each signature.
class TimedMutex {
public:
    void lock() {
        std::unique_lock lock(mutex_);
        released_.wait(lock, [&] { return !held_; });
        held_ = true;
    }

    [[nodiscard]] bool try_lock() {
        const std::lock_guard lock(mutex_);
        return !std::exchange(held_, true);
    }

    template <typename Clock, typename Duration>
    [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& at) {
        std::unique_lock lock(mutex_);
        if(!released_.wait_until(lock, at, [&] { return !held_; })) {
            return false;
        }
        held_ = true;
        return true;
    }

    template <typename Rep, typename Period>
    [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& patience) {
        return try_lock_until(std::chrono::steady_clock::now() + patience);
    }

    void unlock() noexcept {
        // Told with the lock held: whoever gets it may destroy this.
        const std::lock_guard lock(mutex_);
        held_ = false;
        released_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable released_;
    bool held_ = false;
};

}  // namespace keyway::pkcs11
