// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace pkcs11_fault {

/// Lets calls through to the real module side by side, and now and then something that has to be alone there.
///
/// Taking a session or a login away while another thread is inside the module with it would be a fault of this
/// module and not of the token: real modules crash of it.
///
/// @threadsafety safe; a thread that has entered must not ask to be alone
class Gate {
public:
    /// Waits as long as somebody is alone inside.
    void enter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !alone_; });
        ++inside_;
    }
    void leave() {
        const std::lock_guard lock(mutex_);
        if (--inside_ == 0) {
            changed_.notify_all();
        }
    }

    /// Inside as long as it lives.
    class Visit {
    public:
        explicit Visit(Gate& gate) : gate_(gate) { gate_.enter(); }
        ~Visit() { gate_.leave(); }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

    private:
        Gate& gate_;
    };

    /// Runs `work` when every call that is inside has come out, while no other gets in.
    template <typename Work>
    void alone(const Work& work) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return !alone_; });
            alone_ = true;
            changed_.wait(lock, [this] { return inside_ == 0; });
        }
        const Opening opening(*this);
        work();
    }

    /// @name For pthread_atfork: the child has none of the threads that were inside.
    /// @{
    void before_fork() { mutex_.lock(); }
    void after_fork_in_parent() { mutex_.unlock(); }
    void after_fork_in_child() {
        // The old one still counts the parent's threads as waiting; it is not destroyed, as that would wait for them.
        std::construct_at(&changed_);
        inside_ = 0;
        alone_ = false;
        mutex_.unlock();
    }
    /// @}

private:
    class Opening {
    public:
        explicit Opening(Gate& gate) : gate_(gate) {}
        ~Opening() {
            const std::lock_guard lock(gate_.mutex_);
            gate_.alone_ = false;
            gate_.changed_.notify_all();
        }
        Opening(const Opening&) = delete;
        Opening& operator=(const Opening&) = delete;

    private:
        Gate& gate_;
    };

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t inside_ = 0;
    bool alone_ = false;
};

} // namespace pkcs11_fault
