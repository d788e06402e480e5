// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/software_key_internal.hpp>

#include <botan/pk_keys.h>

#include <backends/database/database_place.hpp>
#include <backends/database/in_processes.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <support/raises.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <random>
#include <stdexcept>
#include <thread>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::OpenedBackend;
using keyway::test::raised;

namespace {

/// Adds keys "key-0000" and so on; storing one is quicker than making them.
std::vector<KeyRef> fill(const OpenedBackend& backend, int number) {
    const auto key = generate_software_key(KeySpec::parse("ed25519"));
    std::vector<KeyRef> refs;
    for(int i = 0; i < number; ++i) {
        refs.push_back(backend.store(*key, {{"label", "key-" + std::to_string(1000 + i)}}));
    }
    return refs;
}

RewrapResult rewrap(const OpenedBackend& backend, RewrapRequest request) {
    return dynamic_cast<KeyRewrapper&>(*backend.operator->()).rewrap(request, backend.options(Phase::use, {}));
}

std::uint64_t keys_to_rewrap(const OpenedBackend& backend, const RewrapRequest& request = {}) {
    return dynamic_cast<KeyRewrapper&>(*backend.operator->()).keys_to_rewrap(request, backend.options(Phase::use, {}));
}

/// Thrown from the progress: as if the process ended there.
struct Stop : std::runtime_error {
    Stop() : std::runtime_error("stop") {}
};

RewrapRequest to_new(std::size_t batch, std::function<void(const RewrapProgress&)> progress = {}) {
    return {.new_passphrase = Secret("battery staple"), .batch = batch, .progress = std::move(progress)};
}

int usable(const OpenedBackend& backend, const std::vector<KeyRef>& refs) {
    int count = 0;
    for(const auto& ref : refs) {
        count += backend.check(ref) ? 0 : 1;
    }
    return count;
}

}  // namespace

TEST_CASE("all keys go under a new passphrase, and the old one opens none any more") {
    const DatabasePlace place;
    const auto backend = place.opened();
    const auto refs = fill(backend, 25);
    const auto before = place.answer("select encrypted_private_key from signing_key where label = 'key-1007'");
    std::vector<std::string> told;
    CHECK(keys_to_rewrap(backend) == 25);
    const auto result = rewrap(backend, to_new(10, [&](const RewrapProgress& progress) {
                                   told.push_back(std::to_string(progress.done) + "/" + std::to_string(progress.total));
                               }));
    CHECK(result.rewrapped == 25);
    CHECK(!result.resumed);
    CHECK(told == std::vector<std::string>{"10/25", "20/25", "25/25"});
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
    CHECK(place.answer("select encrypted_private_key from signing_key where label = 'key-1007'") == before);
    const auto with_new = place.opened("battery staple");
    CHECK(usable(with_new, refs) == 25);
    CHECK(place.opened().check(refs.front())->code() == Errc::passphrase_incorrect);
    // The process that did it forgets the old one, too.
    CHECK(backend.check(refs.front())->code() == Errc::passphrase_incorrect);
    CHECK(raised([&] { return rewrap(place.opened(), to_new(10)), 0; }).code() == Errc::passphrase_incorrect);
}

TEST_CASE("another cost of guessing the passphrase, which stays") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 3);
    auto settings = place.settings();
    settings["argon2-passes"] = "2";
    const OpenedBackend dearer(database_backend(), settings, {{"PASS", "correct horse"}});
    CHECK(rewrap(dearer, {}).rewrapped == 3);
    CHECK(place.answer("select argon2_passes from key_encryption_key") == "2");
    CHECK(usable(place.opened(), refs) == 3);
}

TEST_CASE("a database without a key has no passphrase to change: nothing is done, which is told") {
    const DatabasePlace place;
    const auto done = rewrap(place.opened(), to_new(10));
    CHECK(done.is_empty);
    CHECK_FALSE(done.resumed);
    CHECK(done.rewrapped == 0);
    CHECK(usable(place.opened(), fill(place.opened(), 1)) == 1);
}

TEST_CASE("while it goes on, the new passphrase opens and makes every key, and the old one those that are not done") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 20);
    int steps = 0;
    const auto watch = [&](const RewrapProgress&) {
        if(++steps == 1) {
            const auto with_new = place.opened("battery staple");
            CHECK(usable(with_new, refs) == 20);
            static_cast<void>(with_new.create("ed25519", {{"label", "made meanwhile"}}));
            const auto with_old = place.opened();
            CHECK(usable(with_old, refs) == 15);
            CHECK(raised([&] {
                      return with_old.create("ed25519", {{"label", "late"}});
                  }).code() == Errc::passphrase_incorrect);
            with_new.remove(refs.back());
        }
    };
    CHECK(rewrap(place.opened(), to_new(5, watch)).rewrapped == 19);
    const auto with_new = place.opened("battery staple");
    CHECK(with_new.list().size() == 20);
    for(const auto& key : with_new.list()) {
        CHECK(!with_new.check(key.ref));
    }
}

TEST_CASE("one that was stopped goes on, with the same call or with the new passphrase alone") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 20);
    const auto stopped = [&] {
        static_cast<void>(rewrap(place.opened(), to_new(5, [](const RewrapProgress&) { throw Stop(); })));
    };
    CHECK_THROWS_AS(stopped(), Stop);
    CHECK(place.answer("select count(*) from key_encryption_key") == "2");
    CHECK(keys_to_rewrap(place.opened(), to_new(5)) == 15);
    const bool same_call = GENERATE(true, false);
    const auto result = same_call ? rewrap(place.opened(), to_new(100)) : rewrap(place.opened("battery staple"), {});
    CHECK(result.resumed);
    CHECK(result.rewrapped == 15);
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
    CHECK(usable(place.opened("battery staple"), refs) == 20);
}

TEST_CASE("a row that does not open stays as it is, and keeps the old key") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 10);
    place.execute("update signing_key set wrapped_data_key = (select wrapped_data_key from signing_key"
                  " where label = 'key-1001') where label = 'key-1004'");
    const auto error = raised([&] { return rewrap(place.opened(), to_new(3)), 0; });
    CHECK(error.code() == Errc::malformed_data);
    CHECK(error.message().find("key-1004") != std::string::npos);
    CHECK(usable(place.opened("battery staple"), refs) == 9);
    CHECK(place.answer("select count(*) from key_encryption_key") == "2");
    // The sealed old key is bound to both: one put in by others does not open.
    place.execute("update key_encryption_key set sealed_for_active = check_value where active is null");
    CHECK(place.opened("battery staple").check(refs[4])->code() == Errc::malformed_data);
    place.opened("battery staple").remove(refs[4]);
}

TEST_CASE("a rewrap that is killed again and again ends with every key usable") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 150);
    const auto seed = std::random_device()();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> milliseconds(0, 120);
    int killed = 0;
    for(int round = 0; round < 15; ++round) {
        const auto process = test::begin_process([&] {
            // Slowly, so that there is a middle.
            static_cast<void>(rewrap(place.opened(), to_new(2, [](const RewrapProgress&) {
                                         std::this_thread::sleep_for(std::chrono::milliseconds(2));
                                     })));
            return true;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
        ::kill(process, SIGKILL);
        const auto status = test::end_of(process);
        killed += status == 128 + SIGKILL ? 1 : 0;
        if(status == 0) {
            break;
        }
        const auto well = test::in_processes(1, [&](int) {
            const auto begun = place.answer("select count(*) from key_encryption_key") != "1" ||
                               !place.opened("battery staple").check(refs.front());
            return usable(place.opened(begun ? "battery staple" : "correct horse"), refs) == 150;
        });
        REQUIRE(well == std::vector<int>{0});
    }
    CHECK(killed > 0);
    const auto done = test::in_processes(1, [&](int) {
        if(!place.opened("battery staple").check(refs.front())) {
            static_cast<void>(rewrap(place.opened("battery staple"), {}));
        } else {
            static_cast<void>(rewrap(place.opened(), to_new(500)));
        }
        return usable(place.opened("battery staple"), refs) == 150 &&
               place.answer("select count(*) from key_encryption_key") == "1";
    });
    CHECK(done == std::vector<int>{0});
}

TEST_CASE("keys are made and used by one while another rewraps") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 100);
    std::atomic<bool> begun = false;
    std::atomic<bool> done = false;
    std::atomic<int> failed = 0;
    std::atomic<int> made = 0;
    std::jthread user([&] {
        while(!begun) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        const auto backend = place.opened("battery staple");
        for(std::size_t i = 0; !done || made == 0; ++i) {
            failed += backend.check(refs[i % refs.size()]) ? 1 : 0;
            static_cast<void>(backend.create("ed25519", {{"label", "new-" + std::to_string(i)}}));
            ++made;
        }
    });
    CHECK(rewrap(place.opened(), to_new(2, [&](const RewrapProgress&) { begun = true; })).rewrapped == 100);
    done = true;
    user.join();
    CHECK(failed == 0);
    CHECK(made > 0);
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
}

TEST_CASE("a dry run tries the passphrases, and counts") {
    const DatabasePlace place;
    static_cast<void>(fill(place.opened(), 3));
    CHECK(keys_to_rewrap(place.opened()) == 3);
    CHECK(raised([&] { return keys_to_rewrap(place.opened("wrong")); }).code() == Errc::passphrase_incorrect);
    CHECK_THROWS_AS(rewrap(place.opened(), to_new(2, [](const RewrapProgress&) { throw Stop(); })), Stop);
    CHECK(keys_to_rewrap(place.opened("battery staple")) == 1);
    CHECK(keys_to_rewrap(place.opened(), to_new(2)) == 1);
    CHECK(raised([&] { return keys_to_rewrap(place.opened("wrong")); }).code() == Errc::passphrase_incorrect);
}

TEST_CASE("two that rewrap at once: each key stays usable, and each ends well or says that the other was first") {
    const DatabasePlace place;
    const auto refs = fill(place.opened(), 60);
    const auto statuses = test::in_processes(4, [&](int) {
        try {
            static_cast<void>(rewrap(place.opened(), to_new(3)));
            return true;
        } catch(const Error& error) {
            // Late ones find another passphrase.
            return error.code() == Errc::already_exists || error.code() == Errc::passphrase_incorrect;
        }
    });
    CHECK(statuses == std::vector<int>(4, 0));
    if(place.answer("select count(*) from key_encryption_key") != "1") {
        static_cast<void>(rewrap(place.opened("battery staple"), {}));
    }
    CHECK(usable(place.opened("battery staple"), refs) == 60);
}
