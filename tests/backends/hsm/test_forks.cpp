// SPDX-License-Identifier: BSD-2-Clause
// A process forks while its threads sign.
#include <backends/hsm/fault_support.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <atomic>
#include <iostream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

/// Runs work in a forked child that has 10 s; what it returns is the child's exit status.
int in_child(const std::function<int()>& work) {
    std::cout.flush();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if(child == 0) {
        ::alarm(10);
        int status = 99;
        try {
            status = work();
        } catch(const std::exception& error) {
            std::cerr << "child: " << error.what() << std::endl;
        }
        ::_exit(status);
    }
    int status = 0;
    while(::waitpid(child, &status, 0) < 0) {
        REQUIRE(errno == EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// What a signer does that has its key: it takes no lock of Botan's but that of its memory pool, which is switched off here
/// (BOTAN_MLOCK_POOL_SIZE=0), as Botan keeps no lock free for a child.
void sign(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    static_cast<void>(Botan::PK_Signer(key, rng, "SHA-256").sign_message(std::vector<std::uint8_t>{1, 2, 3}, rng));
}

class Signers {
public:
    explicit Signers(const Botan::Private_Key& key) {
        for(int t = 0; t < 4; ++t) {
            threads_.emplace_back([&](const std::stop_token& stop) {
                while(!stop.stop_requested()) {
                    try {
                        sign(key);
                        ++good_;
                    } catch(const Error& error) {
                        ++bad_;
                        std::cerr << "parent: " << error.what() << std::endl;
                    }
                }
            });
        }
    }
    void stop() {
        for(auto& thread : threads_) {
            thread.request_stop();
        }
        threads_.clear();
    }
    [[nodiscard]] std::uint64_t good() const noexcept { return good_; }
    [[nodiscard]] std::uint64_t bad() const noexcept { return bad_; }

private:
    std::atomic<std::uint64_t> good_{0};
    std::atomic<std::uint64_t> bad_{0};
    std::vector<std::jthread> threads_;
};

/// A forked child finds the locks of the sanitizers as they were: held by threads that it does not have, now and then.
void skip_under_sanitizers() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SKIP("a sanitizer's own locks do not survive a fork among threads");
#endif
}

void fork_and_sign(const HsmStore& store, int forks) {
    const auto backend = store.open();
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto key = backend->use(ref, {});
    REQUIRE(test::signs(*key));
    Signers signers(*key);
    int good = 0;
    for(int i = 0; i < forks; ++i) {
        good += in_child([&] { return test::signs(*key) && test::signs(*key) ? 0 : 1; }) == 0 ? 1 : 0;
    }
    CHECK(good == forks);
    // A child that opens a key, and lets all of its own go.
    CHECK(in_child([&] { return test::signs(*backend->use(ref, {})) ? 0 : 1; }) == 0);
    // A child of a child.
    CHECK(in_child([&] {
              if(!test::signs(*key)) {
                  return 1;
              }
              return in_child([&] { return test::signs(*key) ? 0 : 1; });
          }) == 0);
    // One that uses nothing, and ends in the usual way.
    const auto before = signers.good();
    CHECK(in_child([&] { return 0; }) == 0);
    CHECK(in_child([&]() -> int {
              ::execl("/bin/true", "true", nullptr);
              return 1;
          }) == 0);
    while(signers.good() < before + 20) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    signers.stop();
    CHECK(signers.bad() == 0);
    CHECK(test::signs(*key));
}

}  // namespace

TEST_CASE("a child of a process whose threads sign signs with the same key object, and the parent goes on") {
    skip_under_sanitizers();
    const HsmStore store;
    fork_and_sign(store, 50);
}

TEST_CASE("the same with a module that refuses a child until it initialises it") {
    skip_under_sanitizers();
    const HsmStore store(HsmStore::Through::fault_module);
    const auto module = pkcs11::Module::open(store.module());
    static_cast<void>(module->tokens());
    store.fault().inject(R"({"fault": "fork-detection"})");
    fork_and_sign(store, 20);
}

TEST_CASE("a fork is not held up by a call that hangs") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    REQUIRE(test::signs(*key));
    store.fault().inject(R"({"fault": "hang", "function": "C_Sign", "at": 1, "ms": 20000})");
    store.fault().reset_counters();
    std::jthread hanging([&] { static_cast<void>(test::outcome_of([&] { static_cast<void>(test::signs(*key)); })); });
    while(store.fault().calls("C_Sign") == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const auto outcome = test::outcome_of([&] { CHECK(in_child([&] { return test::signs(*key) ? 0 : 1; }) == 0); });
    INFO(outcome.text());
    CHECK(outcome.took.count() < 2'000);
    store.fault().inject(R"({"release": "hangs"})");
    hanging.join();
    CHECK(test::signs(*key));
}
