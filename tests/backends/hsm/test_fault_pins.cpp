// SPDX-License-Identifier: BSD-2-Clause
// The fault matrix: faults of PINs at each operation, and in the middle of each. No second wrong PIN is sent, and nothing is left.
#include <backends/hsm/fault_scene.hpp>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::log_out;
using keyway::test::margin_ms;
using keyway::test::Operation;
using keyway::test::places;
using keyway::test::Scene;

namespace {

constexpr Operation operations[] = {Operation::sign, Operation::find, Operation::create, Operation::store, Operation::remove};

/// Each operation as the first that needs the login, on a token of its own, as what is known of a PIN stays; then all others,
/// which end alike where the first did not end well.
enum class Others { alike, left_out };
void first_of_all(const std::string& fault, const std::optional<Errc>& expected, std::uint64_t most_logins,
                  Others others = Others::alike) {
    for(const auto operation : operations) {
        Scene scene;
        const std::optional victim = scene.make_victim();
        const auto before = scene.store.objects();
        log_out(scene.store);
        scene.store.fault().inject(fault);
        scene.store.fault().reset_counters();
        INFO(fault << " at operation " << static_cast<int>(operation));
        const auto ends = [&](Operation next, const std::optional<Errc>& wanted) {
            const auto outcome = test::outcome_of([&] { scene.perform(next, victim); });
            INFO("operation " << static_cast<int>(next) << ": " << outcome.text());
            CHECK((outcome.error ? std::optional(outcome.error->code()) : std::nullopt) == wanted);
            CHECK(outcome.took.count() < test::scene_deadline_ms + margin_ms);
        };
        ends(operation, expected);
        if(expected) {
            for(const auto next : operations) {
                if(others == Others::alike) {
                    ends(next, expected);
                }
            }
            CHECK(scene.store.objects() == before);
        }
        CHECK(scene.store.fault().calls("C_Login") <= most_logins);
        CHECK(test::open_sessions(scene.store) <= scene.own_sessions());
    }
}

}  // namespace

TEST_CASE("matrix: a PIN that is rejected is sent once, whatever the operation, and nothing is made or lost") {
    first_of_all(R"({"fault": "pin-rejected"})", Errc::pin_incorrect, 1);
    const std::string rejected = R"("rv": "CKR_PIN_INCORRECT", "at": 1, "when": )";
    first_of_all(fault_line("return", "C_Login", rejected + R"("before")"), Errc::pin_incorrect, 1);
    // Here the others find the login that the token says it refused.
    first_of_all(fault_line("return", "C_Login", rejected + R"("after")"), Errc::pin_incorrect, 1, Others::left_out);
}

TEST_CASE("matrix: what a token says of its PIN stops each operation before a login") {
    for(const auto* state : {"final-try", "locked", "count-low"}) {
        first_of_all(R"({"fault": "pin-state", "state": ")" + std::string(state) + "\"}", Errc::pin_locked, 0);
    }
}

TEST_CASE("matrix: a token that counts tries is logged in to once by each operation") {
    first_of_all(R"({"fault": "pin-tries", "tries": 3})", std::nullopt, 1);
}

TEST_CASE("matrix: a login that failed for another reason is made again, by each operation") {
    for(const auto* when : {"before", "after"}) {
        first_of_all(fault_line("return", "C_Login", R"("rv": "CKR_DEVICE_ERROR", "at": 1, "when": ")" + std::string(when) + '"'),
                     std::nullopt, 2);
    }
}

TEST_CASE("matrix: a login that is lost in the middle of an operation, and a PIN that is rejected then") {
    for(const auto& place : places()) {
        if(place.function == "C_OpenSession") {
            continue;  // no session, no login to lose by it
        }
        for(const std::string_view when : {"before", "after"}) {
            Scene scene;
            const auto victim = place.operation == Operation::remove ? std::optional(scene.make_victim()) : std::nullopt;
            const auto before = scene.store.objects();
            INFO(place.title << ", " << when << ' ' << place.function << ' ' << place.at);
            scene.store.fault().inject(fault_line("logged-out", place.function,
                                                  R"("at": )" + std::to_string(place.at) + R"(, "when": ")" + std::string(when) + '"'));
            scene.store.fault().inject(R"({"fault": "pin-rejected"})");
            scene.store.fault().reset_counters();
            const auto outcome = test::outcome_of([&] { scene.perform(place.operation, victim); });
            INFO(outcome.text());
            CHECK(outcome.took.count() < test::scene_deadline_ms + margin_ms);
            CHECK((!outcome.error || outcome.error->code() == Errc::pin_incorrect));
            const auto again = test::outcome_of([&] { scene.perform(Operation::sign, {}); });
            CHECK((!again.error || again.error->code() == Errc::pin_incorrect));
            CHECK(scene.store.fault().calls("C_Login") <= 1);
            // What was begun cannot be undone by one who is not logged in: the error names what is left.
            if(outcome.error) {
                const bool told = outcome.error->hint().find("may still be in the token") != std::string::npos;
                CHECK((scene.store.objects() == before || (told && scene.store.objects() <= before + 2)));
            }
            CHECK(test::open_sessions(scene.store) <= scene.own_sessions());
        }
    }
}
