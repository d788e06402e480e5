// SPDX-License-Identifier: BSD-2-Clause
// The fault matrix: a call that does not come back, at each call of each operation, before and after the real one. The thread
// in it is the module's until it comes back; others go on, or end by their deadlines.
#include <backends/hsm/fault_scene.hpp>

#include <atomic>
#include <thread>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::log_out;
using keyway::test::margin_ms;
using keyway::test::Operation;
using keyway::test::Place;
using keyway::test::places;
using keyway::test::Scene;

namespace {

using Stopwatch = std::chrono::steady_clock;

/// Others' deadline; the operation that hangs has a longer one, so that what it does after it is as ever.
constexpr std::int64_t others_deadline_ms = 500;

/// An operation in a thread of its own, stuck in a call.
class Stuck {
public:
    Stuck(const Scene& scene, const Place& place, std::string_view when, const std::optional<KeyRef>& victim)
        : scene_(scene) {
        scene.store.fault().reset_counters();
        scene.store.fault().inject(fault_line("hang", place.function, R"("ms": 8000, "at": )" + std::to_string(place.at) +
                                                                          R"(, "when": ")" + std::string(when) + '"'));
        thread_ = std::jthread([&scene, &place, victim, this] {
            outcome_ = test::outcome_of([&] { scene.perform(place.operation, victim); });
            back_ = true;
        });
        const auto begin = Stopwatch::now();
        while(scene.store.fault().calls(place.function) < static_cast<std::uint64_t>(place.at) &&
              Stopwatch::now() - begin < std::chrono::seconds(5)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ~Stuck() { release(); }
    Stuck(const Stuck&) = delete;
    Stuck& operator=(const Stuck&) = delete;

    [[nodiscard]] bool is_back() const noexcept { return back_; }

    const test::Outcome& release() {
        if(thread_.joinable()) {
            scene_.store.fault().inject(R"({"release": "hangs"})");
            thread_.join();
            scene_.store.fault().clear();
        }
        return outcome_;
    }

private:
    const Scene& scene_;
    std::atomic<bool> back_ = false;
    test::Outcome outcome_;
    std::jthread thread_;
};

/// What another thread of the program sees meanwhile.
void others_go_on(const Scene& scene, const KeyBackend& other, const Botan::Private_Key& key, bool may_fail) {
    const auto in_time = [&](std::string_view what, const std::function<void()>& work) {
        const auto outcome = test::outcome_of(work);
        INFO("meanwhile " << what << ": " << outcome.text());
        CHECK(outcome.took.count() < others_deadline_ms + margin_ms);
        CHECK((!outcome.error || (may_fail && outcome.error->code() == Errc::timed_out)));
    };
    const auto sign = [&](const Botan::Private_Key& with) {
        if(!test::signs_as(with, *scene.right)) {
            throw Error(Errc::internal, "an invalid signature was handed out");
        }
    };
    in_time("sign", [&] { sign(key); });
    in_time("find and sign", [&] { sign(*other.use(*scene.ref, {})); });
}

}  // namespace

TEST_CASE("matrix: a call that hangs holds up its own thread only, at each call of each operation", "[threads]") {
    Scene scene;
    const auto other = scene.store.open({{"deadline-ms", "500"}});
    const auto key = other->use(*scene.ref, {});
    for(const auto& place : places()) {
        for(const std::string_view when : {"before", "after"}) {
            INFO("hang " << when << ' ' << place.title << ", " << place.function);
            const auto victim = place.operation == Operation::remove ? std::optional(scene.make_victim()) : std::nullopt;
            const auto before = scene.store.objects();
            Stuck stuck(scene, place, when, victim);
            CHECK_FALSE(stuck.is_back());
            others_go_on(scene, *other, *key, false);
            const auto outcome = stuck.release();
            INFO(outcome.text());
            CHECK_FALSE(outcome.error);
            const bool makes = place.operation == Operation::create || place.operation == Operation::store;
            CHECK(scene.store.objects() == before + (makes ? 2U : 0U) - (victim ? 2U : 0U));
            scene.clean_up();
            CHECK(scene.store.fault().calls("C_Login") == 0);
        }
    }
    const auto others = 1 + 1;  // its session and the one with its login
    CHECK(test::open_sessions(scene.store) <= scene.own_sessions() + others);
}

TEST_CASE("matrix: a login that hangs is an error for others by their deadlines, and there is one login") {
    Scene scene;
    const auto other = scene.store.open({{"deadline-ms", "500"}});
    const auto key = other->use(*scene.ref, {});
    constexpr Place logins[] = {
        {Operation::sign, "sign", "C_Login"},         {Operation::find, "find", "C_Login"},
        {Operation::create, "create", "C_Login"},     {Operation::store, "store", "C_Login"},
        {Operation::remove, "remove", "C_Login"},     {Operation::sign, "sign", "C_GetTokenInfo"},
        {Operation::find, "find", "C_GetTokenInfo"},
    };
    for(const auto& place : logins) {
        for(const std::string_view when : {"before", "after"}) {
            INFO("hang " << when << ' ' << place.title << ", " << place.function);
            const auto victim = place.operation == Operation::remove ? std::optional(scene.make_victim()) : std::nullopt;
            log_out(scene.store);
            Stuck stuck(scene, place, when, victim);
            CHECK_FALSE(stuck.is_back());
            others_go_on(scene, *other, *key, true);
            const auto outcome = stuck.release();
            INFO(outcome.text());
            CHECK_FALSE(outcome.error);
            CHECK(scene.store.fault().calls("C_Login") == 1);
            CHECK(test::signs_as(*key, *scene.right));
            scene.clean_up();
        }
    }
}

TEST_CASE("matrix: a module that hangs while it is looked for, or initialised again, is an error for others by their deadlines") {
    for(const std::string_view function : {"C_GetSlotList", "C_Finalize", "C_Initialize"}) {
        for(const std::string_view when : {"before", "after"}) {
            INFO("hang " << when << ' ' << function);
            Scene scene;
            const auto other = scene.store.open({{"deadline-ms", "500"}});
            const auto key = other->use(*scene.ref, {});
            scene.store.fault().inject(fault_line("return", "C_SignInit", R"("rv": "CKR_CRYPTOKI_NOT_INITIALIZED", "at": 1)"));
            const Place place{Operation::sign, "sign", function};
            Stuck stuck(scene, place, when, {});
            CHECK_FALSE(stuck.is_back());
            const auto in_time = [&](const std::function<void()>& work) {
                const auto outcome = test::outcome_of(work);
                INFO("meanwhile: " << outcome.text());
                CHECK(outcome.took.count() < others_deadline_ms + margin_ms);
                CHECK((!outcome.error || outcome.error->code() != Errc::internal));
            };
            in_time([&] { static_cast<void>(test::signs(*key)); });
            in_time([&] { static_cast<void>(other->use(*scene.ref, {})); });
            in_time([&] { static_cast<void>(scene.store.open({{"deadline-ms", "500"}})->check(*scene.ref, {})); });
            const auto outcome = stuck.release();
            INFO(outcome.text());
            CHECK_FALSE(outcome.error);
            CHECK(test::signs_as(*key, *scene.right));
        }
    }
}
