// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/fork_watch_internal.hpp>

#include <pthread.h>

#include <algorithm>
#include <vector>

namespace keyway::pkcs11 {

namespace {

struct Watched {
    std::mutex mutex;
    std::vector<ForkAware*> all;
};

/// Never destroyed, so that nothing of it runs in a static destructor; a fork is heard by the whole process.
Watched& watched() {
    static auto* const instance = new Watched;
    return *instance;
}

// What is registered is whole while fork() copies it: the mutex is taken before, and given back on both sides after.
void before_fork() {
    watched().mutex.lock();
}

void in_parent() {
    watched().mutex.unlock();
}

void in_child() {
    for(auto* const one : watched().all) {
        one->begin_anew_in_child();
    }
    watched().mutex.unlock();
}

}  // namespace

void ForkAware::watch_forks() {
    static const int registered = ::pthread_atfork(before_fork, in_parent, in_child);
    static_cast<void>(registered);
    const std::lock_guard lock(watched().mutex);
    watched().all.push_back(this);
}

void ForkAware::leave_forks() noexcept {
    const std::lock_guard lock(watched().mutex);
    std::erase(watched().all, this);
}

std::unique_lock<std::mutex> hold_back_forks() {
    return std::unique_lock(watched().mutex);
}

}  // namespace keyway::pkcs11
