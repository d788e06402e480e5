// SPDX-License-Identifier: BSD-2-Clause
// What waits for others in a module waits for so long and no longer. In a program of its own: a token that goes meanwhile leaves
// its sessions, and so its module, to the process.
#include <keyway/pkcs11/token_internal.hpp>
#include <support/raises.hpp>

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <functional>
#include <thread>

using namespace keyway;
using namespace keyway::pkcs11;
using namespace std::chrono_literals;

TEST_CASE("nobody waits without an end for a module that another thread initialises and that hangs") {
    softhsm_fixtures::SoftHsmFixture softhsm;
    softhsm_fixtures::FaultModule fault(softhsm.token().module_path());
    const auto module = Module::open(fault.path().string());
    const TokenSelector selector{.label = softhsm.token().label(), .serial = {}, .manufacturer = {}, .model = {}};
    TokenLimits limits;
    limits.deadline = 300ms;
    auto going = std::make_unique<Token>(module, selector, limits);
    Token staying(module, selector, limits);
    fault.reset_counters();
    fault.inject(R"({"fault": "hang", "function": "C_Finalize", "ms": 8000, "at": 1})");
    std::jthread reloader([&] { CHECK(module->reload(module->generation(), Deadline(5s))); });
    while(fault.calls("C_Finalize") == 0) {
        std::this_thread::sleep_for(1ms);
    }
    const auto in_time = [](Milliseconds most, const std::function<void()>& work) {
        const auto begin = Deadline::Clock::now();
        work();
        CHECK(Deadline::Clock::now() - begin < most);
    };
    in_time(1'000ms, [&] { CHECK_RAISES(staying.stay_inside(), Errc::timed_out); });
    in_time(1'000ms, [&] {
        CHECK_RAISES(OwnSession(module, staying.info().slot, SessionMode::read_only, Deadline(300ms)), Errc::timed_out);
    });
    in_time(2'500ms, [&] { going.reset(); });  // it leaves its sessions behind
    fault.inject(R"({"release": "hangs"})");
    reloader.join();
    fault.clear();
    static_cast<void>(staying.stay_inside());
}
