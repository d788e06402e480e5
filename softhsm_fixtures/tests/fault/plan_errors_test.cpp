// SPDX-License-Identifier: BSD-2-Clause
// What plans are refused for, and in which words.
#include "plan_support.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace plan_support;

namespace {

[[nodiscard]] std::string refusal_of_fault(const std::string& fault) {
    return refusal_of_plan(R"({"faults": [)" + fault + "]}");
}

using Cases = std::vector<std::pair<std::string, std::string>>;

/// Each fault with the message it gives.
void check_faults(const Cases& cases) {
    for (const auto& [fault, message] : cases) {
        CAPTURE(fault);
        CHECK(refusal_of_fault(fault) == message);
    }
}

/// Each fault with the message it gives, up to the list of what is known.
void check_faults_without_list(const Cases& cases) {
    for (const auto& [fault, message] : cases) {
        CAPTURE(fault);
        const auto whole = refusal_of_fault(fault);
        CHECK(without_list(whole) == message);
        CHECK(whole.size() > message.size());
    }
}

} // namespace

TEST_CASE("no JSON") {
    const auto place = "not JSON at line ";
    CHECK(refusal_of_plan("") ==
          place + std::string("1, column 1: syntax error while parsing value - unexpected end of input; "
                              "expected '[', '{', or a literal"));
    CHECK(refusal_of_plan("{\n  \"seed\": 1,\n}") ==
          place + std::string("3, column 1: syntax error while parsing object key - unexpected '}'; expected "
                              "string literal"));
    CHECK(refusal_of_plan("{} {}").starts_with(place + std::string("1, column 4: ")));
    CHECK(refusal_of_plan("{\"seed\": 1} // seed").starts_with(place + std::string("1, column 13: ")));
    CHECK(refusal_of_plan("{\"seed\": /* one */ 1}").starts_with(place + std::string("1, column 10: ")));
    CHECK(refusal_of_plan("{\"seed\": 1e999}").starts_with(place));
    CHECK(refusal_of_plan("{\"module\": \"\xff\"}").starts_with(place));
    CHECK(refusal_of_plan("{\"module\": \"\xed\xa0\x80\"}").starts_with(place));
    CHECK(refusal_of_plan(std::string("{}\n\0{", 5)) == place + std::string("2, column 1: a zero byte"));
}

TEST_CASE("bounds of a document") {
    CHECK(refusal_of_plan(std::string((1U << 20U) + 1, ' ')) == "longer than 1048576 bytes");
    const auto nested = [](std::size_t levels) {
        return R"({"seed": )" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
    };
    CHECK(refusal_of_plan(nested(16)).starts_with("seed: give a whole number from 0, not [[["));
    CHECK(refusal_of_plan(nested(17)).ends_with("nested deeper than 16 levels"));
    CHECK(refusal_of_plan(nested(100000)).ends_with("nested deeper than 16 levels"));
}

TEST_CASE("members given twice") {
    CHECK(refusal_of_plan(R"({"seed": 1, "seed": 1})") == R"(member "seed" is given twice)");
    CHECK(refusal_of_plan(
              R"({"faults": [{"fault": "slow", "ms": 1}, {"fault": "slow", "fault": "slow", "ms": 1}]})") ==
          R"(faults[1]: member "fault" is given twice)");
    CHECK(refusal_of_plan(R"({"faults": [{"fault": "slow", "ms": {"normal": [1, 2], "normal": [1, 2]}}]})") ==
          R"(faults[0].ms: member "normal" is given twice)");
}

TEST_CASE("members of a plan") {
    CHECK(refusal_of_plan("[]") == "give an object in braces, not []");
    CHECK(refusal_of_plan("null") == "give an object in braces, not null");
    CHECK(
        refusal_of_plan(R"({"fault": []})") ==
        R"(unknown member "fault"; did you mean "faults"? known: module, init_arguments, profile, seed, log, counters, )"
        "control, faults");
    CHECK(refusal_of_plan(R"({"Module": "a"})")
              .starts_with(R"(unknown member "Module"; did you mean "module"?)"));
    CHECK(refusal_of_plan(R"({"": "a"})").starts_with(R"(unknown member ""; known: module,)"));
    CHECK(refusal_of_plan(R"({"module": 1})") ==
          "module: give a path, or a name without a slash for the dynamic linker, not 1");
    CHECK(refusal_of_plan(R"({"module": ""})") ==
          "module: the path is empty: name the module to stand in front of");
    CHECK(refusal_of_plan(R"({"module": "a\u0000b"})") == "module: it holds a zero byte");
    CHECK(refusal_of_plan(R"({"init_arguments": true})") == "init_arguments: give text, not true");
    CHECK(refusal_of_plan(R"({"seed": -1})") == "seed: give a whole number from 0, not -1");
    CHECK(refusal_of_plan(R"({"seed": 1.0})") == "seed: give a whole number from 0, not 1.0");
    CHECK(refusal_of_plan(R"({"seed": 18446744073709551616})")
              .starts_with("seed: give a whole number from 0, not 1.8"));
    CHECK(refusal_of_plan(R"({"seed": "1"})") == R"(seed: give a whole number from 0, not "1")");
    for (const auto* const path : {"log", "counters", "control"}) {
        CHECK(refusal_of_plan(R"({")" + std::string(path) + R"(": null})") ==
              path + std::string(": give a path, not null"));
        CHECK(refusal_of_plan(R"({")" + std::string(path) + R"(": ""})") ==
              path + std::string(": the path is empty: name a file, or leave the member out"));
    }
    CHECK(refusal_of_plan(R"({"faults": {}})") == "faults: give a list of faults, not {}");
    CHECK(refusal_of_plan(R"({"faults": []})") == "faults: the list is empty: leave the member out");
    CHECK(refusal_of_plan(R"({"profile": []})") ==
          "profile: the list is empty: name one, or leave the member out");
    CHECK(refusal_of_plan(R"({"profile": 1})") == "profile: give a name, or a list of them, not 1");
    CHECK(refusal_of_plan(R"({"profile": ["yubihsm2", "yubihsm2"]})") ==
          R"(profile: "yubihsm2" is given twice)");
    CHECK(without_list(refusal_of_plan(R"({"profile": "yubihsm"})")) ==
          R"(profile: unknown profile "yubihsm"; did you mean "yubihsm2"?)");
}

TEST_CASE("which fault") {
    const std::string known =
        "known: return, session-lost, logged-out, handles-renumbered, key-swapped, device-removed, "
        "slot-renumbered, "
        "pin-rejected, slow, hang, short-signature, corrupt-signature, pin-state, pin-tries, pin-pad, "
        "session-cap, "
        "idle-timeout, read-only-token, mechanisms-hidden, ec-point-raw, attributes-withheld, data-limit, "
        "interface-2.40, second-initialize-refused, fork-detection";
    check_faults({
        {"1", "faults[0]: give an object in braces, not 1"},
        {"{}", R"(faults[0]: member "fault" is missing; )" + known},
        {R"({"fault": 1})", "faults[0].fault: give the name of a fault; " + known},
        {R"({"fault": "slwo", "ms": 1})",
         R"(faults[0].fault: unknown fault "slwo"; did you mean "slow"? )" + known},
        {R"({"fault": "Session_Lost"})",
         R"(faults[0].fault: unknown fault "Session_Lost"; did you mean "session-lost"? )" + known},
        {R"({"fault": "nothing like it"})", R"(faults[0].fault: unknown fault "nothing like it"; )" + known},
        {R"({"fault": "slow", "ms": 1}, {"fault": "x"})", R"(faults[1].fault: unknown fault "x"; )" + known},
    });
}

TEST_CASE("members of a fault") {
    check_faults({
        {R"({"fault": "slow"})",
         R"(faults[0]: member "ms" is missing: give a number of milliseconds, {"uniform": [least, most]}, )"
         R"({"normal": [mean, deviation]} or {"exponential": mean})"},
        {R"({"fault": "return", "function": "C_Sign", "atr": 1})",
         R"(faults[0]: unknown member "atr"; did you mean "at"? known: fault, function, at, every, probability, from, )"
         "times, session, count, when, rv"},
        {R"({"fault": "ec-point-raw", "at": 1})", R"(faults[0]: unknown member "at"; known: fault)"},
        {R"({"fault": "return"})",
         R"(faults[0]: member "function" is missing: name a function, a list of them, or "all")"},
        {R"({"fault": "hang", "ms": 10})",
         R"(faults[0]: member "function" is missing: name a function, a list of them, or "all")"},
        {R"({"fault": "key-swapped", "with": "b"})",
         R"(faults[0]: give "label" or "id" of the key that is replaced)"},
        {R"({"fault": "key-swapped", "label": "a"})", R"(faults[0]: member "with" is missing: give text)"},
    });
}

TEST_CASE("names in a fault") {
    check_faults_without_list({
        {R"({"fault": "return", "function": "C_Sing"})",
         R"(faults[0].function: unknown function "C_Sing"; did you mean "C_Sign"?)"},
        {R"({"fault": "return", "function": ["C_Sign", "all"]})",
         R"(faults[0].function: unknown function "all";)"},
        {R"({"fault": "return", "function": "C_GetFunctionList"})",
         R"(faults[0].function: unknown function "C_GetFunctionList"; did you mean "C_GetFunctionStatus"?)"},
        {R"({"fault": "corrupt-signature", "function": "C_Verify"})",
         R"(faults[0].function: this fault is not possible at "C_Verify";)"},
        {R"({"fault": "session-lost", "function": "C_GetInfo"})",
         R"(faults[0].function: this fault is not possible at "C_GetInfo";)"},
        {R"({"fault": "data-limit", "function": "C_SignFinal"})",
         R"(faults[0].function: this fault is not possible at "C_SignFinal";)"},
        {R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_EROR"})",
         R"(faults[0].rv: unknown return value "CKR_DEVICE_EROR"; did you mean "CKR_DEVICE_ERROR"?)"},
        {R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS", "CKM_RSA_PSS"]})",
         R"(faults[0].mechanisms: unknown mechanism "CKM_RSA_PSS"; did you mean "CKM_RSA_PKCS"?)"},
        {R"({"fault": "mechanisms-hidden", "mechanisms": "0x123g"})",
         R"(faults[0].mechanisms: unknown mechanism "0x123g";)"},
        {R"({"fault": "attributes-withheld", "attributes": "CKA_LABLE"})",
         R"(faults[0].attributes: unknown attribute "CKA_LABLE"; did you mean "CKA_LABEL"?)"},
        {R"({"fault": "attributes-withheld", "attributes": "CKA_ID", "classes": "CKO_PRIVATE"})",
         R"(faults[0].classes: unknown object class "CKO_PRIVATE"; did you mean "CKO_PRIVATE_KEY"?)"},
        {R"({"fault": "pin-state", "owner": "admin"})", R"(faults[0].owner: unknown word "admin";)"},
        {R"({"fault": "pin-state", "state": "final"})", R"(faults[0].state: unknown word "final"; did you mean "final-try"?)"},
        {R"({"fault": "session-lost", "sessions": "two"})",
         R"(faults[0].sessions: unknown word "two";)"},
        {R"({"fault": "slow", "ms": 1, "when": "later"})",
         R"(faults[0].when: unknown word "later";)"},
        {R"({"fault": "slow", "ms": 1, "count": "session"})", R"(faults[0].count: unknown word "session";)"},
    });
    // Whole lists of what is known.
    CHECK(
        refusal_of_fault(R"({"fault": "attributes-withheld", "attributes": "CKA_ID", "classes": "x"})") ==
        R"(faults[0].classes: unknown object class "x"; known: CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, )"
        "CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_HW_FEATURE, CKO_DOMAIN_PARAMETERS, CKO_MECHANISM, CKO_OTP_KEY, "
        "CKO_PROFILE, CKO_VALIDATION, CKO_TRUST, CKO_VENDOR_DEFINED, or a number like 0x80000001");
    CHECK(refusal_of_fault(R"({"fault": "pin-rejected", "function": "C_Logout"})") ==
          R"(faults[0].function: this fault is not possible at "C_Logout"; known: C_Login, C_LoginUser)");
    const auto return_values = refusal_of_fault(R"({"fault": "return", "function": "C_Sign", "rv": "x"})");
    CHECK(
        return_values.starts_with(R"(faults[0].rv: unknown return value "x"; known: CKR_OK, CKR_CANCEL, )"));
    CHECK(return_values.ends_with("CKR_VENDOR_DEFINED, or a number like 0x80000001"));
}

TEST_CASE("values in a fault") {
    const std::string sign = R"({"fault": "return", "function": "C_Sign", )";
    check_faults({
        {sign + R"("at": 0})", "faults[0].at: give a whole number from 1, or a list of them, not 0"},
        {sign + R"("at": [1, -1]})", "faults[0].at: give a whole number from 1, or a list of them, not -1"},
        {sign + R"("at": []})", "faults[0].at: the list is empty: give a number or leave the member out"},
        {sign + R"("at": [3, 1, 3]})", "faults[0].at: 3 is given twice"},
        {sign + R"("every": 0})", "faults[0].every: give a whole number from 1, not 0"},
        {sign + R"("probability": 1.01})", "faults[0].probability: give a number from 0 to 1, not 1.01"},
        {sign + R"("probability": -0.1})", "faults[0].probability: give a number from 0 to 1, not -0.1"},
        {sign + R"("probability": "often"})",
         R"(faults[0].probability: give a number from 0 to 1, not "often")"},
        {sign + R"("times": null})", "faults[0].times: give a whole number from 1, not null"},
        {sign + R"("rv": 48})", R"(faults[0].rv: give a CKR_ name, or a number like "0x80000001", not 48)"},
        {R"({"fault": "return", "function": []})",
         "faults[0].function: the list is empty: name one, or leave the member out"},
        {R"({"fault": "return", "function": ["C_Sign", "C_Sign"]})",
         R"(faults[0].function: "C_Sign" is given twice)"},
        {R"({"fault": "return", "function": 1})",
         R"(faults[0].function: give a name of a function, a list of them, or "all", not 1)"},
        {R"({"fault": "hang", "function": "C_Sign", "ms": -1})",
         "faults[0].ms: give a number of milliseconds, at most a day, not -1"},
        {R"({"fault": "hang", "function": "C_Sign", "ms": 86400001})",
         "faults[0].ms: give a number of milliseconds, at most a day, not 86400001"},
        {R"({"fault": "short-signature", "bytes": 0})",
         "faults[0].bytes: give a whole number from -65536 to 65536 but 0, not 0"},
        {R"({"fault": "short-signature", "bytes": 65537})",
         "faults[0].bytes: give a whole number from -65536 to 65536 but 0, not 65537"},
        {R"({"fault": "short-signature", "bytes": -65537})",
         "faults[0].bytes: give a whole number from -65536 to 65536 but 0, not -65537"},
        {R"({"fault": "short-signature", "bytes": 18446744073709551615})",
         "faults[0].bytes: give a whole number from -65536 to 65536 but 0, not 18446744073709551615"},
        {R"({"fault": "session-cap", "announced": "yes"})",
         R"(faults[0].announced: give true or false, not "yes")"},
        {R"({"fault": "key-swapped", "id": "abc", "with": "b"})",
         R"(faults[0].id: give hexadecimal text like "0a1b", not "abc")"},
        {R"({"fault": "key-swapped", "id": "0x", "with": "b"})",
         R"(faults[0].id: give hexadecimal text like "0a1b", not "0x")"},
        {R"({"fault": "key-swapped", "id": "", "with": "b"})",
         R"(faults[0].id: give hexadecimal text like "0a1b", not "")"},
        {R"({"fault": "mechanisms-hidden", "mechanisms": [1]})",
         R"(faults[0].mechanisms: give a CKM_ name or number like "0x80000001", or a list of them, not 1)"},
    });
}

TEST_CASE("delays") {
    for (const auto* const given :
         {R"("10")", "-1", "86400001", "true", R"({"uniform":[5,1]})", R"({"uniform":[1]})",
          R"({"uniform":[1,2,3]})", R"({"normal":10})", R"({"normal":[1,-1]})", R"({"exponential":[1,2]})",
          R"({"exponential":-1})", R"({"pareto":1})", "{}", R"({"exponential":1,"normal":[1,2]})", "[1,2]"}) {
        CHECK(
            refusal_of_fault(R"({"fault": "slow", "ms": )" + std::string(given) + "}") ==
            R"(faults[0].ms: give a number of milliseconds, {"uniform": [least, most]}, {"normal": [mean, deviation]} )"
            R"(or {"exponential": mean}, not )" +
                std::string(given));
    }
}

TEST_CASE("contradictions") {
    const std::string sign = R"({"fault": "return", "function": "C_Sign", )";
    check_faults({
        {sign + R"("at": 1, "every": 2})", R"(faults[0]: give "at" or "every", not both)"},
        {sign + R"("every": 1, "probability": 0.5})",
         R"(faults[0]: give "every" or "probability", not both)"},
        {sign + R"("at": 1, "probability": 0.5})", R"(faults[0]: give "at" or "probability", not both)"},
        {sign + R"("at": 5, "from": 3})", R"(faults[0]: give "at" or "from", not both)"},
        {R"({"fault": "corrupt-signature", "when": "before"})",
         R"(faults[0].when: this fault comes "after" the real call only: leave the member out)"},
        {R"({"fault": "pin-rejected", "when": "after"})",
         R"(faults[0].when: this fault comes "before" the real call only: leave the member out)"},
        {R"({"fault": "return", "function": ["C_GetInfo", "C_OpenSession"], "session": 1})",
         "faults[0].session: none of the fault's functions takes a session"},
        {R"({"fault": "return", "function": "C_Initialize", "count": "per-session"})",
         "faults[0].count: none of the fault's functions takes a session"},
        {R"({"fault": "session-lost", "rv": "CKR_OK"})",
         R"(faults[0].rv: CKR_OK is possible with "when": "after" only)"},
        {R"({"fault": "device-removed", "rv": "CKR_OK", "when": "before"})",
         R"(faults[0].rv: CKR_OK is possible with "when": "after" only)"},
        {R"({"fault": "idle-timeout", "rv": "CKR_OK"})", "faults[0].rv: CKR_OK is no failure: name another"},
        {R"({"fault": "fork-detection", "rv": "CKR_OK"})",
         "faults[0].rv: CKR_OK is no failure: name another"},
        {R"({"fault": "second-initialize-refused", "rv": "0x0"})",
         "faults[0].rv: CKR_OK is no failure: name another"},
    });
}

TEST_CASE("messages hold no control characters, and are cut") {
    CHECK(refusal_of_fault("{\"fault\": \"a\\u0007\\n\\u007f\"}")
              .starts_with(R"(faults[0].fault: unknown fault "a\x07\x0a\x7f";)"));
    const auto message = refusal_of_fault(R"({"fault": ")" + std::string(100000, 'x') + R"("})");
    CHECK(message.starts_with(R"(faults[0].fault: unknown fault ")" + std::string(100, 'x') +
                              R"(..."; known: )"));
    const std::string wide = "ü";
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += wide;
    }
    CHECK(refusal_of_fault(R"({"fault": ")" + text + R"("})")
              .starts_with(R"(faults[0].fault: unknown fault ")" + text.substr(0, 100) + "...\""));
}
