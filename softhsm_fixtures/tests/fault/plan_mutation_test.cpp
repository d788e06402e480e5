// SPDX-License-Identifier: BSD-2-Clause
// Whatever the text, it is a plan or it is refused: nothing else happens.
#include "plan_support.hpp"

#include <array>
#include <cstddef>
#include <string>

using namespace plan_support;

namespace {

/// Every fault, and every member in some form.
const std::string big_plan = R"({
 "module": "/usr/lib/softhsm/libsofthsm2.so", "init_arguments": "a='b'", "seed": 12, "log": "log", "counters": "c",
 "control": "d", "profile": ["yubihsm2"],
 "faults": [
  {"fault": "return", "function": ["C_Sign", "C_Login"], "rv": "CKR_DEVICE_ERROR", "at": [3, 12]},
  {"fault": "session-lost", "sessions": "all", "rv": "0x80000001", "every": 12, "from": 3, "when": "after"},
  {"fault": "logged-out", "times": 2, "count": "per-session"}, {"fault": "handles-renumbered", "reused": true},
  {"fault": "key-swapped", "label": "gr\u00fc\u00df \ud83d\ude00 ü", "id": "0a1b", "with": "b", "stale": false},
  {"fault": "device-removed", "ms": 1.5e2, "session": 1}, {"fault": "slot-renumbered"},
  {"fault": "pin-rejected", "owner": "so"}, {"fault": "slow", "ms": {"normal": [10, 2]}},
  {"fault": "hang", "function": "all", "ms": 10}, {"fault": "short-signature", "bytes": -2},
  {"fault": "corrupt-signature", "probability": 0.5}, {"fault": "pin-state", "state": "locked"},
  {"fault": "pin-tries", "tries": 3}, {"fault": "pin-pad", "pin_file": "pin", "only": true},
  {"fault": "session-cap", "sessions": 2, "announced": false}, {"fault": "idle-timeout", "ms": 100},
  {"fault": "read-only-token"}, {"fault": "mechanisms-hidden", "mechanisms": "CKM_ECDSA", "only": true},
  {"fault": "ec-point-raw"}, {"fault": "attributes-withheld", "attributes": ["CKA_ID"], "classes": "CKO_DATA"},
  {"fault": "data-limit", "bytes": 64, "function": "C_Sign"}, {"fault": "interface-2.40"},
  {"fault": "second-initialize-refused"}, {"fault": "fork-detection", "rv": "CKR_GENERAL_ERROR"}]})";

const std::string big_short_form =
    "return function=C_Sign,C_Login rv=CKR_DEVICE_ERROR at=3,12; slow ms=normal:10,2 every=2\n"
    "key-swapped label='a b; c' id=0a1b with=b stale=true; short-signature bytes=-2 probability=0.5;"
    "mechanisms-hidden mechanisms=CKM_ECDSA,0x80000001 only=true; session-cap sessions=2 announced=false";

struct Outcomes {
    std::size_t read = 0;
    std::size_t refused = 0;
};

/// Anything but a plan or a PlanError with a message in UTF-8 text fails the test.
template <typename Parse> void try_one(Outcomes& outcomes, const Parse& parse, const std::string& text) {
    try {
        static_cast<void>(parse(text));
        ++outcomes.read;
    } catch (const PlanError& error) {
        ++outcomes.refused;
        const std::string message = error.what();
        if (message.empty() ||
            message.find_first_of(std::string("\0\a\b\n\r\t\x1b", 7)) != std::string::npos) {
            FAIL("a message that is none, for: " << text);
        }
    }
}

template <typename Parse> [[nodiscard]] Outcomes try_prefixes(const Parse& parse, const std::string& text) {
    Outcomes outcomes;
    for (std::size_t size = 0; size < text.size(); ++size) {
        try_one(outcomes, parse, text.substr(0, size));
    }
    return outcomes;
}

/// Sanitizers take twenty times as long: of a long text, one place in eight has to do for them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t stride = 8;
#else
constexpr std::size_t stride = 1;
#endif

/// Each byte, or one in `step`, becomes each of these, goes, or comes twice.
template <typename Parse>
[[nodiscard]] Outcomes try_mutations(const Parse& parse, const std::string& text, std::size_t step = 1) {
    constexpr std::string_view bytes("\0\"\\{}[]:,-.0e' \n\x80\xf0", 18);
    Outcomes outcomes;
    for (std::size_t i = 0; i < text.size(); i += step) {
        for (const char byte : bytes) {
            auto changed = text;
            changed[i] = byte;
            try_one(outcomes, parse, changed);
        }
        for (const unsigned bit : {0x01U, 0x20U, 0x80U}) {
            auto changed = text;
            changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ bit);
            try_one(outcomes, parse, changed);
        }
        auto shorter = text;
        try_one(outcomes, parse, shorter.erase(i, 1));
        auto longer = text;
        try_one(outcomes, parse, longer.insert(i, 1, text[i]));
    }
    return outcomes;
}

} // namespace

TEST_CASE("every prefix of a plan is refused") {
    REQUIRE(parse_plan(big_plan).faults.size() == 3 + 25);
    const auto outcomes = try_prefixes(parse_plan, big_plan);
    CHECK(outcomes.read == 0);
    CHECK(outcomes.refused == big_plan.size());
}

TEST_CASE("a plan with one byte changed is read or refused") {
    const auto outcomes = try_mutations(parse_plan, big_plan, stride);
    CHECK(outcomes.read > 1000 / stride);
    CHECK(outcomes.refused > 30000 / stride);
}

TEST_CASE("a short form cut off or with one byte changed is read or refused") {
    REQUIRE(parse_short_form(big_short_form).size() == 6);
    const auto prefixes = try_prefixes(parse_short_form, big_short_form);
    CHECK(prefixes.read + prefixes.refused == big_short_form.size());
    const auto mutations = try_mutations(parse_short_form, big_short_form);
    CHECK(mutations.read > 300);
    CHECK(mutations.refused > 3000);
}

TEST_CASE("a control line with one byte changed is read or refused") {
    for (const std::string line : {R"({"fault": "slow", "ms": 12, "at": 2})", R"({"clear": "all"})",
                                   R"({"faults": [{"fault": "hang"}]})"}) {
        const auto outcomes = try_mutations(parse_command, line);
        CHECK(outcomes.read > 5);
        CHECK(outcomes.refused > 100);
    }
}
