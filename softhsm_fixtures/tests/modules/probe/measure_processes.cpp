// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"
#include "measure.hpp"

#include <array>
#include <cstdio>
#include <deque>
#include <mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace probe {

namespace {

constexpr int signatures_each = 20;
constexpr unsigned longest_child = 60; // seconds

[[nodiscard]] CK_OBJECT_HANDLE find_key(Session& session, std::string_view label) {
    const auto found = session.find(Template().number(CKA_CLASS, CKO_PRIVATE_KEY).text(CKA_LABEL, label));
    require(found.size() == 1, "the key is not found");
    return found[0];
}

void make_key(const Target& target, std::string_view label) {
    const Module module(target);
    Session session(module);
    static_cast<void>(generate_pair(session, usual_kind, {.label = label}));
}

/// Runs the work in a child; 0 when it succeeded. What went wrong is printed.
[[nodiscard]] pid_t start_child(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child != 0) {
        return child;
    }
    ::alarm(longest_child);
    try {
        work();
        ::_exit(0);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ::_exit(1);
    }
}

[[nodiscard]] bool succeeded(pid_t child) {
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// In a child, so that the parent has not loaded the module when it forks.
void make_key_in_child(const Target& target, std::string_view label) {
    require(succeeded(start_child([&] { make_key(target, label); })), "no key can be made");
}

void parallel_processes(const Target& target) {
    make_key_in_child(target, "shared");
    const auto work = [&target] {
        for (int time = 0; time < signatures_each; ++time) {
            const Module module(target);
            Session session(module);
            static_cast<void>(sign_plainly(session, usual_kind, find_key(session, "shared")));
        }
    };
    const std::array<pid_t, 3> children = {start_child(work), start_child(work), start_child(work)};
    int failed = 0;
    for (const pid_t child : children) {
        failed += succeeded(child) ? 0 : 1;
    }
    require(failed == 0, std::to_string(failed) + " of 3 processes failed");
}

void parallel_threads(const Target& target) {
    make_key_in_child(target, "threads");
    const Module module(target);
    Session first(module); // holds the login
    std::mutex mutex;
    std::string failure;
    // Opened and closed by one thread: that others can at the same time is the quirk sessions-not-locked.
    std::deque<Session> sessions;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        sessions.emplace_back(module, Session::Login::none);
    }
    for (Session& session : sessions) {
        threads.emplace_back([&] {
            try {
                const auto key = find_key(session, "threads");
                for (int time = 0; time < signatures_each; ++time) {
                    static_cast<void>(sign_plainly(session, usual_kind, key));
                }
            } catch (const std::exception& error) {
                const std::lock_guard lock(mutex);
                failure = error.what();
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    require(failure.empty(), failure);
}

/// A child of a process that is logged in starts anew: initialises, logs in, signs. The parent goes on.
void start_anew_after_fork(const Target& target) {
    make_key_in_child(target, "forked");
    const Module module(target);
    Session session(module);
    const auto key = find_key(session, "forked");
    const pid_t child = start_child([&] {
        module.initialise();
        Session fresh(module, Session::Login::none);
        fresh.log_in(CKU_USER, target.user_pin);
        static_cast<void>(sign_plainly(fresh, usual_kind, find_key(fresh, "forked")));
    });
    require(succeeded(child), "the child cannot initialise, log in and sign");
    static_cast<void>(sign_plainly(session, usual_kind, key));
}

} // namespace

void add_process_measurements(Measurements& all) {
    all["parallel-threads"] = parallel_threads;
    all["parallel-processes"] = parallel_processes;
    all["fork-reset"] = start_anew_after_fork;
}

} // namespace probe
