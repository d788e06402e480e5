// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/deadline_internal.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace keyway::pkcs11 {

/// Lets many threads in at once, and now and then one alone: a module is finalised only while nobody is in one of its calls.
///
/// Entering and leaving cost one atomic addition each as long as nobody wants to be alone.
class Gate {
public:
    void enter() {
        if((inside_.fetch_add(1, std::memory_order_acquire) & closed) != 0) [[unlikely]] {
            wait_until_open();
        }
    }

    /// For a thread that is inside already.
    void enter_again() noexcept { inside_.fetch_add(1, std::memory_order_relaxed); }

    void leave() noexcept {
        if(inside_.fetch_sub(1, std::memory_order_release) == closed + 1) [[unlikely]] {
            wake();
        }
    }

    /// Keeps others out, and waits until all who are inside have left.
    /// @return false when they did not by the deadline; the gate is then open as before
    [[nodiscard]] bool close(const Deadline& deadline) {
        std::unique_lock lock(mutex_);
        inside_.fetch_or(closed, std::memory_order_acquire);
        const auto empty = [&] { return inside_.load(std::memory_order_acquire) == closed; };
        if(changed_.wait_until(lock, deadline.at(), empty)) {
            return true;
        }
        open_locked();
        return false;
    }

    void open() {
        const std::lock_guard lock(mutex_);
        open_locked();
    }

private:
    static constexpr std::uint32_t closed = 0x8000'0000U;

    void open_locked() {
        inside_.fetch_and(~closed, std::memory_order_release);
        changed_.notify_all();
    }

    void wait_until_open() {
        std::unique_lock lock(mutex_);
        while((inside_.load(std::memory_order_acquire) & closed) != 0) {
            // Not inside while waiting: whoever closed the gate waits for those who are.
            inside_.fetch_sub(1, std::memory_order_release);
            changed_.notify_all();
            changed_.wait(lock, [&] { return (inside_.load(std::memory_order_acquire) & closed) == 0; });
            inside_.fetch_add(1, std::memory_order_acquire);
        }
    }

    void wake() noexcept {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }

    std::atomic<std::uint32_t> inside_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
};

}  // namespace keyway::pkcs11
