// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <mutex>

namespace keyway::pkcs11 {

/// Something that has to begin anew in a forked child: its mutexes may be held there by threads that do not exist, and its
/// sessions are the parent's.
///
/// A class that derives from it registers in its constructor, when it is whole, and leaves first thing in its destructor.
class ForkAware {
public:
    ForkAware() = default;
    ForkAware(const ForkAware&) = delete;
    ForkAware& operator=(const ForkAware&) = delete;

    /// Runs in the child, before fork() returns there; the only thread. Takes no lock, and frees nothing of the parent's.
    virtual void begin_anew_in_child() noexcept = 0;

protected:
    ~ForkAware() = default;

    void watch_forks();
    void leave_forks() noexcept;
};

/// Held by a thread that changes what a child must find whole. fork() waits for it, so it is held shortly, and never while
/// a module is called.
[[nodiscard]] std::unique_lock<std::mutex> hold_back_forks();

/// What a thread does around its fork(): calm() before, without any lock held; resume() behind it in the parent, abandon() in
/// the child. One thread at a time.
struct AroundForks {
    void (*calm)() noexcept;
    void (*resume)() noexcept;
    void (*abandon)() noexcept;
};
void set_around_forks(const AroundForks& around) noexcept;

/// What libraries registered with pthread_atfork before runs inside of calm() and resume(): to be called when one was loaded
/// that may do so, as it may hold back its callers while it is prepared for the fork.
void come_first_at_forks();

}  // namespace keyway::pkcs11
