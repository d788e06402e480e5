// SPDX-License-Identifier: BSD-2-Clause
// The fault matrix: each fault that comes at a call, at each call of each operation, before and after it. What has to hold is
// in happens(): it is the same for all. Faults that stand are in test_fault_standing.cpp, those of PINs and calls that hang in
// test_fault_pins.cpp and test_fault_hangs.cpp.
#include <backends/hsm/fault_scene.hpp>
#include <support/raises.hpp>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;
using keyway::test::margin_ms;
using keyway::test::Operation;
using keyway::test::Place;
using keyway::test::places;
using keyway::test::Scene;

namespace {

enum class Expected { done, refused, either };

struct Fault {
    std::string name;
    std::string more;
    Expected expected;
    bool only_after = false;
};

void happens(Scene& scene, const Place& place, const Fault& fault, std::string_view when) {
    std::optional<KeyRef> victim;
    if(place.operation == Operation::remove) {
        victim = scene.make_victim();
    }
    const auto before = scene.store.objects();
    auto more = std::string(fault.more) + (fault.more.empty() ? "" : ", ") + R"("at": )" + std::to_string(place.at);
    if(!when.empty()) {
        more += R"(, "when": ")" + std::string(when) + '"';
    }
    INFO(fault.name << ' ' << more << " at " << place.title << ", " << place.function);
    scene.store.fault().reset_counters();
    scene.store.fault().inject(fault_line(fault.name, place.function, more));
    const auto outcome = test::outcome_of([&] { scene.perform(place.operation, victim); });
    INFO(outcome.text());
    const auto logins = scene.store.fault().calls("C_Login");
    REQUIRE(scene.store.fault().calls(place.function) >= static_cast<std::uint64_t>(place.at));  // the fault came
    scene.store.fault().clear();

    CHECK(outcome.took.count() < test::scene_deadline_ms + margin_ms);
    CHECK((!outcome.error || outcome.error->code() != Errc::internal));
    CHECK(logins <= 1);
    if(fault.expected != Expected::either) {
        CHECK(outcome.error.has_value() == (fault.expected == Expected::refused));
    }
    // The key goes on, also after an error.
    CHECK(test::signs_as(*scene.key, *scene.right));
    switch(place.operation) {
        case Operation::sign:
        case Operation::find:
            CHECK(scene.store.objects() == before);
            break;
        case Operation::create:
        case Operation::store:
            CHECK(scene.store.objects() == before + (outcome.error ? 0U : 2U));
            break;
        case Operation::remove:
            CHECK((outcome.error || scene.store.objects() == before - 2));
            break;
    }
    scene.clean_up();
    // Sessions that the module opened and did not tell of are there for good; and whoever is told that there is no such session
    // closes none, as it could be somebody else's.
    if(fault.name == "return" && when == "after") {
        scene.untold_sessions += place.function == "C_OpenSession" ? 1U : 0U;
    }
    if(fault.more.find("CKR_SESSION_HANDLE_INVALID") != std::string::npos) {
        scene.untold_sessions += 2;
    }
    CHECK(test::open_sessions(scene.store) <= scene.own_sessions() + scene.untold_sessions);
}

bool comes_at(const Fault& fault, const Place& place) {
    // Before there is a session there is nothing to lose.
    return place.function != "C_OpenSession" || fault.name == "return" || fault.name == "slow" ||
           fault.name == "device-removed" || fault.name == "slot-renumbered";
}

void everywhere(Scene& scene, const Fault& fault) {
    for(const auto& place : places()) {
        for(const std::string_view when : {"before", "after"}) {
            if(!comes_at(fault, place)) {
                continue;
            }
            if(!fault.only_after || when == "after") {
                happens(scene, place, fault, fault.only_after ? "" : when);
            }
        }
    }
}

/// With everything closed no session is left over, but for those that the module opened and did not tell of.
void check_sessions(Scene& scene, std::size_t untold = 0) {
    scene.key.reset();
    scene.backend.reset();
    CHECK(test::open_sessions(scene.store) == untold);
}

/// So often does C_OpenSession open a session and answer something else.
constexpr std::size_t untold_by_each_return = 3;

}  // namespace

TEST_CASE("matrix: lost sessions are got over at each call of each operation") {
    Scene scene;
    everywhere(scene, {"session-lost", R"("sessions": "one")", Expected::done});
    everywhere(scene, {"session-lost", R"("sessions": "all")", Expected::done});
    check_sessions(scene);
}

TEST_CASE("matrix: lost logins and renumbered handles are got over at each call of each operation") {
    Scene scene;
    everywhere(scene, {"logged-out", "", Expected::done});
    everywhere(scene, {"handles-renumbered", "", Expected::done});
    check_sessions(scene);
}

TEST_CASE("matrix: a token that is away for a moment, or in another slot, is found again at each call of each operation") {
    Scene scene;
    everywhere(scene, {"device-removed", R"("ms": 30)", Expected::done});
    everywhere(scene, {"slot-renumbered", "", Expected::done});
    check_sessions(scene);
}

TEST_CASE("matrix: a slow call is waited for at each call of each operation") {
    Scene scene;
    everywhere(scene, {"slow", R"("ms": 5)", Expected::done});
    check_sessions(scene);
}

TEST_CASE("matrix: an answer that says to try again is tried again at each call of each operation") {
    Scene scene;
    for(const auto* value : {"CKR_DEVICE_ERROR", "CKR_USER_NOT_LOGGED_IN"}) {
        everywhere(scene, {"return", std::string(R"("rv": ")") + value + '"', Expected::done});
    }
    check_sessions(scene, 2 * untold_by_each_return);
    // Whoever is told that there is no such session does not close it: it could be somebody else's. So these stay open.
    scene.reopen();
    everywhere(scene, {"return", R"("rv": "CKR_SESSION_HANDLE_INVALID")", Expected::done});
}

TEST_CASE("matrix: an answer that nothing can be done about leaves nothing behind at each call of each operation") {
    Scene scene;
    const std::string more = R"("rv": "CKR_ARGUMENTS_BAD")";
    everywhere(scene, {"return", more, Expected::either});
    check_sessions(scene, untold_by_each_return);
}

TEST_CASE("matrix: signatures that are too short or wrong are never handed out") {
    // Only a proven key hands out signatures unverified: that it verifies each one is what verify-signatures is for.
    Scene scene({{"verify-signatures", "true"}});
    for(const auto& place : places()) {
        if(place.function == "C_Sign") {
            happens(scene, place, {"short-signature", "", Expected::refused, true}, "");
            happens(scene, place, {"corrupt-signature", "", Expected::done, true}, "");
        }
    }
    check_sessions(scene);
}

TEST_CASE("matrix: numbers that belong to other objects now never make another key's signature") {
    // The handle in the cache has become another key's while the token says nothing of it, and the key was proven before: only
    // verifying each signature can tell, so that is on. (Where the token was away or the login was, the first signature is
    // verified without being asked for.)
    Scene scene({{"verify-signatures", "true"}});
    const Fault fault{"handles-renumbered", R"("reused": true)", Expected::either};
    for(const auto& place : places()) {
        // Between finding an object and C_DestroyObject nobody can tell that its number changed hands: PKCS#11 has no way to.
        if(place.operation == Operation::remove || !comes_at(fault, place)) {
            continue;
        }
        for(const std::string_view when : {"before", "after"}) {
            happens(scene, place, fault, when);
        }
    }
    check_sessions(scene);
}

TEST_CASE("matrix: a key that was swapped for another is refused, and its signatures are not handed out") {
    for(const std::string_view stale : {"true", "false"}) {
        for(const auto& place : places()) {
            if((place.operation != Operation::sign && place.operation != Operation::find) || place.function == "C_OpenSession") {
                continue;
            }
            // The swap stays until the module goes, so that each has a store of its own.
            // With "stale": false the old handle signs as the other key, which only verifying each signature can tell.
            Scene scene({{"verify-signatures", "true"}});
            INFO("stale " << stale << " at " << place.title << ", " << place.function);
            scene.store.fault().inject(fault_line("key-swapped", place.function,
                                                  R"("label": "right", "with": "wrong", "stale": )" + std::string(stale)));
            const auto outcome = test::outcome_of([&] { scene.perform(place.operation, {}); });
            INFO(outcome.text());
            CHECK(outcome.took.count() < test::scene_deadline_ms + margin_ms);
            if(outcome.error) {
                CHECK(outcome.error->code() == Errc::key_mismatch);
            }
            // From now on at the latest, whatever was in the way of the first.
            const auto later = test::raised([&] { return test::signs_as(*scene.key, *scene.right); });
            INFO(later.what());
            CHECK((later.code() == Errc::key_mismatch || later.code() == Errc::verification_failed));
            CHECK(scene.backend->check(*scene.ref, {}).value().code() == Errc::key_mismatch);
        }
    }
}

TEST_CASE("matrix: a key that was swapped for another is not removed in its place, and none is made under its name") {
    for(const std::string_view function : {"C_FindObjectsInit", "C_FindObjects", "C_GetAttributeValue"}) {
        for(const std::string_view when : {"before", "after"}) {
            Scene scene;
            INFO("key-swapped " << when << ' ' << function);
            const auto before = scene.store.objects();
            scene.store.fault().inject(fault_line(
                "key-swapped", function, R"("label": "right", "with": "wrong", "stale": true, "when": ")" + std::string(when) + '"'));
            const auto outcome = test::outcome_of([&] { scene.perform(Operation::remove, scene.ref); });
            INFO(outcome.text());
            CHECK((outcome.error ? outcome.error->code() == Errc::key_mismatch : scene.store.objects() == before - 2));
            CHECK((!outcome.error || scene.store.objects() == before));
            CHECK(HsmStore::Direct(scene.store).find(CKO_PRIVATE_KEY, "wrong").size() == 1);
            CHECK_RAISES(HsmStore::create(*scene.backend, "right"), Errc::already_exists);
        }
    }
}
