// SPDX-License-Identifier: BSD-2-Clause
// Sessions of a module as Keyway opens them: by the module's quirks.
#include <contract/world.hpp>

#include <keyway/pkcs11/session_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

using namespace keyway;
using namespace keyway::pkcs11;

TEST_CASE("sessions that many threads open at once are all different") {
    const auto world = contract::make_world();
    const auto settings = world->settings();
    const auto text = [&](const char* name) {
        const auto found = settings.find(name);
        return found == settings.end() ? std::string() : found->second.value;
    };
    const auto module = Module::open(text("module"), text("init-args"));
    const Token token(module, {.label = text("token-label"), .serial = {}, .manufacturer = {}, .model = {}}, {});
    constexpr int rounds = 100;
    constexpr int at_once = 4;
    int same = 0;
    for(int round = 0; round < rounds; ++round) {
        std::mutex mutex;
        std::vector<CK_SESSION_HANDLE> handles;
        std::vector<std::jthread> threads;
        std::atomic<int> ready = 0;
        std::atomic<int> done = 0;
        for(int i = 0; i < at_once; ++i) {
            threads.emplace_back([&] {
                ++ready;
                while(ready < at_once) {
                    std::this_thread::yield();
                }
                // Each is closed by the thread that opened it, when all are open.
                OwnSession own(module, token.info().slot, SessionMode::read_only);
                {
                    const std::lock_guard lock(mutex);
                    handles.push_back((*own).handle());
                }
                ++done;
                while(done < at_once) {
                    std::this_thread::yield();
                }
            });
        }
        threads.clear();
        std::ranges::sort(handles);
        same += std::ranges::adjacent_find(handles) == handles.end() ? 0 : 1;
    }
    CHECK(same == 0);
}
