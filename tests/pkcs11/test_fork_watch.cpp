// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/fork_watch_internal.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace keyway::pkcs11;

namespace {

class Watcher final : public ForkAware {
public:
    Watcher() { watch_forks(); }
    ~Watcher() { leave_forks(); }
    void begin_anew_in_child() noexcept override { ++begun; }
    int begun = 0;
};

template <typename Work>
int in_child(const Work& work) {
    const pid_t child = ::fork();
    if(child < 0) {
        return -1;  // no assertion, as several threads come here
    }
    if(child == 0) {
        ::alarm(10);
        ::_exit(work());
    }
    int status = 0;
    while(::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("what watches forks begins anew in the child, once, and not in the parent") {
    Watcher watcher;
    CHECK(in_child([&] { return watcher.begun; }) == 1);
    // However often the handlers were registered.
    come_first_at_forks();
    come_first_at_forks();
    CHECK(in_child([&] { return watcher.begun; }) == 1);
    CHECK(in_child([&] { return in_child([&] { return watcher.begun; }); }) == 2);
    CHECK(watcher.begun == 0);
}

TEST_CASE("what left is not called any more") {
    auto watcher = std::make_unique<Watcher>();
    watcher.reset();
    CHECK(in_child([] { return 7; }) == 7);
}

TEST_CASE("threads that come, go and hold back forks do not deadlock with threads that fork") {
    std::atomic<bool> stop{false};
    std::vector<std::jthread> threads;
    for(int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            while(!stop) {
                const Watcher watcher;
                const auto forks = hold_back_forks();
            }
        });
    }
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> forkers;
        for(int t = 0; t < 2; ++t) {
            forkers.emplace_back([&] {
                for(int i = 0; i < 20; ++i) {
                    good += in_child([] {
                                const Watcher mine;
                                const auto forks = hold_back_forks();
                                return 5;
                            }) == 5
                                ? 1
                                : 0;
                }
            });
        }
    }
    stop = true;
    threads.clear();
    CHECK(good == 40);
}
