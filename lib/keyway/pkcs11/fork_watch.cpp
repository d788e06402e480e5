// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/fork_watch_internal.hpp>

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace keyway::pkcs11 {

namespace {

struct Watched {
    std::mutex mutex;
    std::vector<ForkAware*> all;

    std::atomic<const AroundForks*> around{nullptr};
    std::mutex* forking = new std::mutex;  // one thread at a time; a child gets another one
};

/// Never destroyed, so that nothing of it runs in a static destructor; a fork is heard by the whole process.
Watched& watched() {
    static auto* const instance = new Watched;
    return *instance;
}

/// The handlers may be registered several times: all but the first to be prepared do nothing.
thread_local bool prepared = false;

// What is registered is whole while fork() copies it: the mutex is taken before, and given back on both sides after.
void before_fork() {
    if(prepared) {
        return;
    }
    prepared = true;
    auto& state = watched();
    state.forking->lock();
    if(const auto* const around = state.around.load()) {
        around->calm();
    }
    state.mutex.lock();
}

void in_parent() {
    if(!prepared) {
        return;
    }
    prepared = false;
    auto& state = watched();
    state.mutex.unlock();
    if(const auto* const around = state.around.load()) {
        around->resume();
    }
    state.forking->unlock();
}

void in_child() {
    if(!prepared) {
        return;
    }
    prepared = false;
    auto& state = watched();
    for(auto* const one : state.all) {
        one->begin_anew_in_child();
    }
    state.forking = new std::mutex;
    state.mutex.unlock();
    if(const auto* const around = state.around.load()) {
        around->abandon();
    }
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

void set_around_forks(const AroundForks& around) noexcept {
    watched().around = &around;
}

void come_first_at_forks() {
    ::pthread_atfork(before_fork, in_parent, in_child);
}

}  // namespace keyway::pkcs11
