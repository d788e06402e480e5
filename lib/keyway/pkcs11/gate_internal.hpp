// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/deadline_internal.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace keyway::pkcs11 {

/// Lets many threads in at once, and now and then one alone: a module is finalised only while nobody is in one of its calls.
///
/// Entering and leaving cost one atomic addition each as long as nobody wants to be alone.
class Gate {
public:
    /// @param deadline of waiting for whoever is alone; without, for as long as that takes
    /// @throws Errc::token_failed once the gate is closed for good; Errc::timed_out
    void enter(const Deadline* deadline = nullptr) {
        if((inside_.fetch_add(1, std::memory_order_acquire) & closed) != 0) [[unlikely]] {
            wait_until_open(deadline);
        }
    }

    /// For a thread that is inside already.
    void enter_again() noexcept { inside_.fetch_add(1, std::memory_order_relaxed); }

    void leave() noexcept {
        if(((inside_.fetch_sub(1, std::memory_order_release) - 1) & closed) != 0) [[unlikely]] {
            wake();
        }
    }

    /// Keeps others out, and waits until all who are inside have left. By one thread at a time.
    /// @return false when they did not by the deadline; the gate is then open as before
    [[nodiscard]] bool close(const Deadline& deadline) {
        std::unique_lock lock(mutex_);
        if(wait_until_empty(lock, deadline)) {
            return true;
        }
        open_locked();
        return false;
    }

    /// At the end of the process: as close(), and the gate stays closed even when somebody is still inside. Who comes then waits,
    /// as the process is gone in a moment; when it is not, and for the thread that ends it, entering is an error.
    void close_for_good(const Deadline& deadline) {
        std::unique_lock lock(mutex_);
        for_good_ = true;
        closer_ = std::this_thread::get_id();
        static_cast<void>(wait_until_empty(lock, deadline));
        changed_.notify_all();
    }

    void open() {
        const std::lock_guard lock(mutex_);
        open_locked();
    }

private:
    static constexpr std::uint32_t closed = 0x8000'0000U;
    static constexpr std::chrono::seconds parting{5};

    [[nodiscard]] bool is_open() const noexcept { return (inside_.load(std::memory_order_acquire) & closed) == 0; }

    bool wait_until_empty(std::unique_lock<std::mutex>& lock, const Deadline& deadline) {
        inside_.fetch_or(closed, std::memory_order_acquire);
        return changed_.wait_until(lock, deadline.at(),
                                   [&] { return inside_.load(std::memory_order_acquire) == closed; });
    }

    void open_locked() {
        if(!for_good_) {
            inside_.fetch_and(~closed, std::memory_order_release);
            changed_.notify_all();
        }
    }

    void wait_until_open(const Deadline* deadline) {
        std::unique_lock lock(mutex_);
        while(!is_open()) {
            // Not inside while waiting: whoever closed the gate waits for those who are.
            inside_.fetch_sub(1, std::memory_order_release);
            changed_.notify_all();
            const auto may_go_on = [&] { return is_open() || for_good_; };
            if(deadline == nullptr) {
                changed_.wait(lock, may_go_on);
            } else if(!changed_.wait_until(lock, deadline->at(), may_go_on)) {
                throw Error(Errc::timed_out, "another thread has been initialising the PKCS#11 module all the while",
                            "the module, or the service that it asks, hangs");
            }
            if(for_good_) {
                if(closer_ != std::this_thread::get_id()) {
                    changed_.wait_for(lock, parting, [] { return false; });
                }
                throw Error(Errc::token_failed, "the process is ending, so that no token is used any more",
                            "end the threads that sign before the process ends");
            }
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
    bool for_good_ = false;
    std::thread::id closer_;
};

}  // namespace keyway::pkcs11
