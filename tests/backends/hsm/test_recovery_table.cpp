// SPDX-License-Identifier: BSD-2-Clause
// Each row of the recovery table, by a module that answers what the row is about.
#include <backends/hsm/fault_support.hpp>
#include <keyway/pkcs11/recovery.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace keyway;
using keyway::pkcs11::Remedy;
using keyway::test::fault_line;
using keyway::test::HsmStore;

namespace {

const std::map<std::string_view, unsigned long>& standard_names() {
    static const std::map<std::string_view, unsigned long> names = [] {
        struct Name {
            std::string_view name;
            unsigned long value;
        };
        constexpr Name all[] = {
#include "../../../softhsm_fixtures/names/return_values.inc"
        };
        std::map<std::string_view, unsigned long> out;
        for(const auto& one : all) {
            out.emplace(one.name, one.value);
        }
        return out;
    }();
    return names;
}

bool is_got_over(Remedy remedy) {
    switch(remedy) {
        case Remedy::reopen_session:
        case Remedy::log_in:
        case Remedy::find_key:
        case Remedy::wait:
        case Remedy::reload_module:
            return true;
        case Remedy::success:
        case Remedy::fatal:
        case Remedy::ask_user:
            return false;
    }
    return false;
}

/// What is said of the key's object by the call that is given its handle: the handle may be another object's, so that the key is
/// found anew once before it is believed.
bool is_refusal_of_the_handle(std::string_view function, std::string_view value) {
    return function == "C_SignInit" && (value == "CKR_KEY_TYPE_INCONSISTENT" || value == "CKR_KEY_FUNCTION_NOT_PERMITTED" ||
                                        value == "CKR_KEY_SIZE_RANGE" || value == "CKR_MECHANISM_INVALID");
}

/// Where a call of a signature, or of finding a key, fails.
struct Point {
    std::string_view function;
    bool by_stale_handle;  ///< the key's handle is refused first, so that it is looked for within a signature
    bool by_use;           ///< it is not a signature that fails but finding the key
    std::uint64_t signs_when_got_over;
    std::uint64_t signs_when_not;
};

constexpr Point points[] = {
    {.function = "C_SignInit", .by_stale_handle = false, .by_use = false, .signs_when_got_over = 1, .signs_when_not = 0},
    {.function = "C_Sign", .by_stale_handle = false, .by_use = false, .signs_when_got_over = 2, .signs_when_not = 1},
    {.function = "C_OpenSession", .by_stale_handle = false, .by_use = false, .signs_when_got_over = 1, .signs_when_not = 0},
    {.function = "C_FindObjectsInit", .by_stale_handle = true, .by_use = false, .signs_when_got_over = 1, .signs_when_not = 0},
    {.function = "C_FindObjectsInit", .by_stale_handle = false, .by_use = true, .signs_when_got_over = 0, .signs_when_not = 0},
    {.function = "C_OpenSession", .by_stale_handle = false, .by_use = true, .signs_when_got_over = 0, .signs_when_not = 0},
};

std::string failing(std::string_view function, const pkcs11::ReturnValue& row, std::string_view when) {
    return fault_line("return", function, R"("rv": ")" + std::string(row.name) + "\", " + std::string(when));
}

/// Does the operation of the point on a backend of its own, with the fault in place. The key has not signed yet, so that it
/// opens its first session.
test::Outcome happens(const HsmStore& store, const KeyRef& ref, const Point& point, const std::string& fault,
                      test::Texts changes) {
    const auto backend = store.open(changes);
    if(point.by_use) {
        REQUIRE_FALSE(backend->check(ref, {}));  // logs in
    }
    const auto key = point.by_use ? nullptr : backend->use(ref, {});
    store.fault().reset_counters();
    if(point.by_stale_handle) {
        store.fault().inject(fault_line("return", "C_SignInit", R"("rv": "CKR_KEY_HANDLE_INVALID", "times": 1)"));
    }
    store.fault().inject(fault);
    auto outcome = test::outcome_of([&] {
        if(point.by_use) {
            static_cast<void>(backend->use(ref, {}));
        } else if(!test::signs(*key)) {
            throw Error(Errc::internal, "an invalid signature was handed out");
        }
    });
    store.fault().clear();
    if(!point.by_use) {
        CHECK(test::signs(*key));
    }
    return outcome;
}

}  // namespace

TEST_CASE("the recovery table has every return value that PKCS#11 3.2 names, once, in order") {
    std::set<unsigned long> seen;
    for(const auto& row : pkcs11::return_values()) {
        INFO(row.name);
        const auto known = standard_names().find(row.name);
        REQUIRE(known != standard_names().end());
        CHECK(known->second == row.value);
        CHECK(seen.insert(row.value).second);
        CHECK(*seen.rbegin() == row.value);
        CHECK(pkcs11::find_return_value(row.value) == &row);
        CHECK(pkcs11::find_return_value(row.name) == &row);
        CHECK(pkcs11::remedy_for(row.value) == row.remedy);
    }
    for(const auto& [name, value] : standard_names()) {
        INFO(name);
        CHECK(seen.contains(value));
    }
    CHECK(pkcs11::remedy_for(0x4242) == Remedy::fatal);
    CHECK(pkcs11::find_return_value("CKR_NONE_SUCH") == nullptr);
}

TEST_CASE("each return value, answered once, is got over or told as its row says") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    for(const auto& row : pkcs11::return_values().subspan(1)) {
        // A module is reloaded once in 30 s, so that each reload wants a module of its own; else one serves all.
        const auto module = row.remedy == Remedy::reload_module ? nullptr : pkcs11::Module::open(store.module());
        for(const auto& point : points) {
            INFO(row.name << " at " << point.function << (point.by_use ? " of finding" : " of signing"));
            const auto outcome = happens(store, ref, point, failing(point.function, row, R"("times": 1)"),
                                         {{"deadline-ms", "3000"}});
            INFO(outcome.text());
            CHECK(outcome.took.count() < 4'000);
            if(is_got_over(row.remedy) || is_refusal_of_the_handle(point.function, row.name)) {
                CHECK_FALSE(outcome.error);
                CHECK(store.fault().calls("C_Sign") - (point.by_use ? 0U : 1U) == point.signs_when_got_over);
                // The login was not lost, but where the module had to be initialised again.
                CHECK(store.fault().calls("C_Login") == (row.remedy == Remedy::reload_module ? 1U : 0U));
            } else {
                REQUIRE(outcome.error);
                CHECK(outcome.error->code() == row.code);
                CHECK(outcome.error->return_value() == row.name);
                CHECK(outcome.error->message().find(row.name) != std::string::npos);
                CHECK(store.fault().calls("C_Sign") - (point.by_use ? 0U : 1U) == point.signs_when_not);
                CHECK(store.fault().calls("C_Login") == 0);
            }
        }
    }
    CHECK(test::open_sessions(store) == 0);
}

TEST_CASE("each return value, answered for ever, is an error by the deadline that names it") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    for(const auto& row : pkcs11::return_values().subspan(1)) {
        // A module is reloaded once in 30 s, so that each reload wants a module of its own; else one serves all.
        const auto module = row.remedy == Remedy::reload_module ? nullptr : pkcs11::Module::open(store.module());
        for(const auto& point : points) {
            INFO(row.name << " at " << point.function << (point.by_use ? " of finding" : " of signing"));
            const auto outcome =
                happens(store, ref, point, failing(point.function, row, R"("every": 1)"), {{"deadline-ms", "100"}});
            INFO(outcome.text());
            REQUIRE(outcome.error);
            CHECK(outcome.error->code() == row.code);
            CHECK(outcome.error->return_value() == row.name);
            CHECK(outcome.took.count() < 1'100);
            // What is lost and back each time may be lost by others: that is tried more often.
            CHECK(store.fault().calls("C_Sign") <= (row.remedy == Remedy::reload_module ? 33U : 9U));
            CHECK(store.fault().calls("C_Login") <= (row.remedy == Remedy::reload_module ? 33U : 1U));
        }
    }
    CHECK(test::open_sessions(store) == 0);
}
