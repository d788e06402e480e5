// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/session_pool_internal.hpp>
#include <support/raises.hpp>

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

using namespace keyway;
using namespace keyway::pkcs11;
using namespace std::chrono_literals;

namespace {

class PoolTest {
public:
    PoolTest()
        : fault(softhsm_.token().module_path()),
          module(Module::open(fault.path().string())),
          slot(module->tokens().front().slot) {}

    std::unique_ptr<SessionPool> pool(PoolLimits limits) const { return std::make_unique<SessionPool>(module, slot, limits); }

    std::uint64_t opened() const { return fault.calls("C_OpenSession") - fault.failed_calls("C_OpenSession"); }
    std::uint64_t closed() const { return fault.calls("C_CloseSession") - fault.failed_calls("C_CloseSession"); }

private:
    mutable softhsm_fixtures::SoftHsmFixture softhsm_;

public:
    softhsm_fixtures::FaultModule fault;
    std::shared_ptr<Module> module;
    CK_SLOT_ID slot;
};

void end(PoolTest& test, std::unique_ptr<SessionPool> pool) {
    const Module::Use use(*test.module);
    pool.reset();
}

std::optional<SessionPool::Loan> borrowed(SessionPool& pool, Milliseconds patience = 5'000ms) {
    std::optional<SessionPool::Loan> loan;
    REQUIRE(pool.borrow(Deadline(patience), loan) == CKR_OK);
    return loan;
}

void until_waiting(const SessionPool& pool, std::size_t threads) {
    while(pool.usage().waiting < threads) {
        std::this_thread::sleep_for(1ms);
    }
}

}  // namespace

TEST_CASE("a pool lends a session again, and no more than its bound") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 2, .patience = 50ms});
    {
        auto first = borrowed(*pool);
        auto second = borrowed(*pool);
        CHECK(first->session().handle() != second->session().handle());
        std::optional<SessionPool::Loan> third;
        const auto error = test::raised([&] { return pool->borrow(Deadline(5'000ms), third); });
        CHECK(error.code() == Errc::timed_out);
        // The earlier of patience and deadline.
        const auto begin = Deadline::Clock::now();
        CHECK_RAISES(pool->borrow(Deadline(5ms), third), Errc::timed_out);
        CHECK(Deadline::Clock::now() - begin < 45ms);
        CHECK(pool->usage().waiting == 0);
        CHECK(pool->usage().in_use == 2);
        first.reset();  // not in the order in which they were lent
    }
    CHECK(pool->usage().idle == 2);
    for(int i = 0; i < 10; ++i) {
        static_cast<void>(borrowed(*pool));
    }
    CHECK(pool->usage().opened == 2);
    end(test, std::move(pool));
    CHECK(test.opened() == test.closed());
}

TEST_CASE("a pool lends in the order of asking") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 1, .patience = 10'000ms});
    std::vector<int> order;
    {
        auto held = borrowed(*pool);
        std::vector<std::jthread> threads;
        for(int t = 0; t < 6; ++t) {
            threads.emplace_back([&, t] {
                std::optional<SessionPool::Loan> loan;
                if(pool->borrow(Deadline(10'000ms), loan) == CKR_OK) {
                    order.push_back(t);  // guarded by the only session
                }
            });
            until_waiting(*pool, static_cast<std::size_t>(t) + 1);
        }
        held.reset();
        threads.clear();
    }
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
    end(test, std::move(pool));
}

TEST_CASE("nobody starves while many come and go") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 2, .patience = 10'000ms});
    std::array<std::atomic<int>, 8> turns{};
    {
        std::atomic<bool> stop{false};
        std::vector<std::jthread> threads;
        for(auto& mine : turns) {
            threads.emplace_back([&] {
                while(!stop) {
                    std::optional<SessionPool::Loan> loan;
                    if(pool->borrow(Deadline(10'000ms), loan) == CKR_OK) {
                        ++mine;
                        std::this_thread::sleep_for(std::chrono::microseconds(200));
                    }
                }
            });
        }
        std::this_thread::sleep_for(400ms);
        stop = true;
    }
    int least = turns[0];
    int most = turns[0];
    for(const auto& one : turns) {
        least = std::min<int>(least, one);
        most = std::max<int>(most, one);
    }
    CHECK(least > 0);
    CHECK(most < 2 * least + 20);
    end(test, std::move(pool));
}

TEST_CASE("a pool makes do with what a token has, and grows again") {
    PoolTest test;
    test.fault.inject(R"({"fault": "session-cap", "sessions": 2, "announced": false})");
    auto pool = test.pool({.most_sessions = 6, .patience = 10'000ms});
    std::atomic<int> good = 0;
    const auto use_by_threads = [&] {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 6; ++t) {
            threads.emplace_back([&] {
                for(int i = 0; i < 20; ++i) {
                    std::optional<SessionPool::Loan> loan;
                    good += pool->borrow(Deadline(10'000ms), loan) == CKR_OK ? 1 : 0;
                    std::this_thread::sleep_for(std::chrono::microseconds(100));
                }
            });
        }
    };
    use_by_threads();
    CHECK(good == 120);
    CHECK(pool->usage().most == 2);
    CHECK(pool->usage().in_use == 0);
    test.fault.clear();
    // As after 30 s: here by moving, which begins with the bound that was wished for, and lets in all who wait.
    {
        auto first = borrowed(*pool);
        auto second = borrowed(*pool);
        std::vector<std::jthread> threads;
        std::atomic<int> in = 0;
        std::atomic<bool> leave = false;
        for(int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                std::optional<SessionPool::Loan> loan;
                good += pool->borrow(Deadline(10'000ms), loan) == CKR_OK ? 1 : 0;
                ++in;
                while(!leave) {
                    std::this_thread::sleep_for(1ms);
                }
            });
        }
        until_waiting(*pool, 4);
        {
            const Module::Use use(*test.module);
            pool->move_to(test.slot);
        }
        const auto give_up = Deadline::Clock::now() + 5s;
        while(in < 4 && Deadline::Clock::now() < give_up) {
            std::this_thread::sleep_for(1ms);
        }
        CHECK(in == 4);
        CHECK(pool->usage().in_use == 6);
        leave = true;
    }
    CHECK(good == 124);
    end(test, std::move(pool));
    CHECK(test.opened() == test.closed());
}

TEST_CASE("a token that has no session at all is told, and nobody is left waiting") {
    PoolTest test;
    const Session foreign(test.module, test.slot, SessionMode::read_only);
    test.fault.inject(R"({"fault": "session-cap", "sessions": 1, "announced": false})");
    auto pool = test.pool({.most_sessions = 4, .patience = 10'000ms});
    std::atomic<int> refused = 0;
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                std::optional<SessionPool::Loan> loan;
                refused += pool->borrow(Deadline(10'000ms), loan) == CKR_SESSION_COUNT ? 1 : 0;
            });
        }
    }
    CHECK(refused == 4);
    CHECK(pool->usage().in_use == 0);
    test.fault.clear();
    CHECK(borrowed(*pool)->session().handle() != foreign.handle());
    end(test, std::move(pool));
}

TEST_CASE("sessions that were idle for long, or are under suspicion, are asked after before they are lent") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 3, .patience = 1'000ms, .idle_check = 500ms});
    static_cast<void>(borrowed(*pool));
    test.fault.reset_counters();
    static_cast<void>(borrowed(*pool));
    CHECK(test.fault.calls("C_GetSessionInfo") == 0);
    std::this_thread::sleep_for(600ms);
    static_cast<void>(borrowed(*pool));
    CHECK(test.fault.calls("C_GetSessionInfo") == 1);
    pool->suspect_all();
    static_cast<void>(borrowed(*pool));
    CHECK(test.fault.calls("C_GetSessionInfo") == 2);
    static_cast<void>(borrowed(*pool));
    CHECK(test.fault.calls("C_GetSessionInfo") == 2);
    // One that is gone is replaced, by another one that is there where there is one.
    {
        auto first = borrowed(*pool);
        auto second = borrowed(*pool);
    }
    test.fault.inject(R"({"fault": "session-lost", "function": "C_GetSessionInfo", "sessions": "all"})");
    pool->suspect_all();
    const auto opened = pool->usage().opened;
    CHECK(borrowed(*pool)->session().handle() != CK_INVALID_HANDLE);
    CHECK(pool->usage().opened == opened + 1);
    CHECK(pool->usage().lost == 2);
    end(test, std::move(pool));
}

TEST_CASE("sessions that were discarded, or that an exception ends, are closed") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 2, .patience = 1'000ms});
    const auto before = test.closed();
    {
        auto loan = borrowed(*pool);
        loan->discard(CKR_FUNCTION_FAILED);
    }
    CHECK(test.closed() == before + 1);
    {
        auto loan = borrowed(*pool);
        loan->discard(CKR_SESSION_HANDLE_INVALID);  // there is nothing to close: the number may be another's
    }
    CHECK(test.closed() == before + 1);
    try {
        auto loan = borrowed(*pool);
        throw std::runtime_error("work failed");
    } catch(const std::runtime_error&) {
        CHECK(test.closed() == before + 2);
    }
    CHECK(pool->usage().in_use == 0);
    CHECK(pool->usage().idle == 0);
    end(test, std::move(pool));
}

TEST_CASE("a pool that is warmed has its sessions ready, within its bound and the token's") {
    PoolTest test;
    {
        auto pool = test.pool({.most_sessions = 3, .patience = 1'000ms});
        {
            const Module::Use use(*test.module);
            pool->warm(5, Deadline(10s));
        }
        CHECK(pool->usage().idle == 3);
        CHECK(pool->usage().opened == 3);
        end(test, std::move(pool));
    }
    test.fault.inject(R"({"fault": "session-cap", "sessions": 2, "announced": false})");
    auto pool = test.pool({.most_sessions = 4, .patience = 1'000ms});
    {
        const Module::Use use(*test.module);
        pool->warm(4, Deadline(10s));
    }
    CHECK(pool->usage().idle == 2);
    end(test, std::move(pool));
}

TEST_CASE("what is on loan while the token moves does not come back, and is closed") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 2, .patience = 1'000ms});
    const auto before = test.closed();
    {
        static_cast<void>(borrowed(*pool));
        auto held = borrowed(*pool);
        {
            auto idle = borrowed(*pool);
        }
        pool->move_to(test.slot);
        CHECK(test.closed() == before + 1);
        CHECK(pool->usage().idle == 0);
    }
    CHECK(test.closed() == before + 2);
    CHECK(pool->usage().idle == 0);
    CHECK(pool->usage().in_use == 0);
    static_cast<void>(borrowed(*pool));
    end(test, std::move(pool));
    CHECK(test.opened() == test.closed());
}

TEST_CASE("uses of a module end in any order, and it is not reloaded under any of them") {
    PoolTest test;
    auto first = std::make_optional<Module::Use>(*test.module);
    auto second = std::make_optional<Module::Use>(*test.module);
    first.reset();
    // Another thread wants the module for itself while this one has a use, and takes another.
    std::atomic<bool> reloaded = false;
    std::jthread reloader([&] { reloaded = test.module->reload(test.module->generation(), Deadline(150ms)); });
    std::this_thread::sleep_for(50ms);
    {
        const Module::Use third(*test.module);  // would wait for ever if it were taken for the first
    }
    reloader.join();
    CHECK_FALSE(reloaded);
    second.reset();
    CHECK(test.module->reload(test.module->generation(), Deadline(1'000ms)));
    CHECK(test.module->reloads() == 1);
    // Once it has shown a token, others may have sessions with it.
    CHECK(test.module->until_next_reload() <= 1s);
    CHECK_FALSE(test.module->tokens().empty());
    CHECK_FALSE(test.module->reload(test.module->generation(), Deadline(1'000ms)));
    CHECK(test.module->until_next_reload() > 25s);
}

TEST_CASE("sessions of a module that does not lock them are opened and closed one at a time") {
    PoolTest test;
    constexpr auto slow = 100ms;
    test.fault.inject(R"({"fault": "slow", "ms": 100, "function": ["C_OpenSession", "C_CloseSession"], "every": 1})");
    const auto time_for_four = [&] {
        const auto begin = Deadline::Clock::now();
        {
            std::vector<std::jthread> threads;
            for(int i = 0; i < 4; ++i) {
                threads.emplace_back([&] { const OwnSession session(test.module, test.slot, SessionMode::read_only); });
            }
        }
        return Deadline::Clock::now() - begin;
    };
    CHECK(time_for_four() < 8 * slow);
    test.module->open_sessions_one_at_a_time();
    CHECK(time_for_four() >= 8 * slow);
    test.fault.clear();
    auto pool = test.pool({.most_sessions = 2});
    {
        const auto loan = borrowed(*pool);
    }
    end(test, std::move(pool));
    CHECK(test.opened() == test.closed());
}

TEST_CASE("the turn to open or close a session is waited for no longer than the deadline, and what is left open is closed later") {
    PoolTest test;
    test.module->open_sessions_one_at_a_time();
    auto pool = test.pool({.most_sessions = 4});
    auto loan = borrowed(*pool);
    test.fault.reset_counters();
    test.fault.inject(R"({"fault": "hang", "function": "C_OpenSession", "ms": 8000, "at": 1})");
    std::jthread hanging([&] { static_cast<void>(borrowed(*pool)); });
    while(test.fault.calls("C_OpenSession") == 0) {
        std::this_thread::sleep_for(1ms);
    }
    const auto begin = Deadline::Clock::now();
    std::optional<SessionPool::Loan> none;
    CHECK(pool->borrow(Deadline(200ms), none) == CKR_FUNCTION_FAILED);
    loan->discard(CKR_OK);
    loan.reset();
    CHECK(Deadline::Clock::now() - begin < 1s);
    CHECK(test.fault.calls("C_CloseSession") == 0);
    test.fault.inject(R"({"release": "hangs"})");
    hanging.join();
    test.fault.clear();
    {
        const OwnSession own(test.module, test.slot, SessionMode::read_only);
        CHECK(test.fault.calls("C_CloseSession") == 1);  // the one that was left
    }
    end(test, std::move(pool));
    CHECK(test.opened() + 1 == test.closed());  // the first was opened before the counters were set back
}

TEST_CASE("many sessions that nobody has the turn to close are not waited for one after the other") {
    PoolTest test;
    test.module->open_sessions_one_at_a_time();
    auto pool = test.pool({.most_sessions = 16});
    {
        const Module::Use use(*test.module);
        pool->warm(16, Deadline(5s));
    }
    REQUIRE(pool->usage().idle == 16);
    test.fault.reset_counters();
    test.fault.inject(R"({"fault": "hang", "function": "C_OpenSession", "ms": 8000, "at": 1})");
    std::jthread hanging([&] { const OwnSession own(test.module, test.slot, SessionMode::read_only); });
    while(test.fault.calls("C_OpenSession") == 0) {
        std::this_thread::sleep_for(1ms);
    }
    const auto begin = Deadline::Clock::now();
    {
        const Module::Use use(*test.module);
        pool->drop_idle();
    }
    CHECK(Deadline::Clock::now() - begin < 400ms);  // 16 times 50 ms
    CHECK(test.fault.calls("C_CloseSession") == 0);
    test.fault.inject(R"({"release": "hangs"})");
    hanging.join();
    test.fault.clear();
    CHECK(test.fault.calls("C_CloseSession") == 17);  // the first who had the turn again closed them with its own
    end(test, std::move(pool));
}

TEST_CASE("a session of before a move is closed while others use the pool") {
    PoolTest test;
    auto pool = test.pool({.most_sessions = 4, .idle_check = 0ms});
    static_cast<void>(borrowed(*pool));
    test.fault.reset_counters();
    test.fault.inject(R"({"fault": "hang", "function": "C_GetSessionInfo", "ms": 8000, "at": 1})");
    std::jthread borrower([&] { static_cast<void>(borrowed(*pool)); });
    while(test.fault.calls("C_GetSessionInfo") == 0) {
        std::this_thread::sleep_for(1ms);
    }
    {
        const Module::Use use(*test.module);
        pool->move_to(test.slot);
    }
    test.fault.inject(R"({"fault": "slow", "function": "C_CloseSession", "ms": 1000, "every": 1})");
    test.fault.inject(R"({"release": "hangs"})");
    while(test.fault.calls("C_CloseSession") == 0) {
        std::this_thread::sleep_for(1ms);
    }
    const auto begin = Deadline::Clock::now();
    static_cast<void>(pool->usage());
    CHECK(Deadline::Clock::now() - begin < 500ms);
    borrower.join();
    test.fault.clear();
    end(test, std::move(pool));
}
