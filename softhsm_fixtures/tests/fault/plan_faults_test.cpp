// SPDX-License-Identifier: BSD-2-Clause
// What each fault of a plan becomes.
#include "plan_support.hpp"

#include <filesystem>

using namespace plan_support;

namespace {

/// Of a fault that says nothing about when it comes, in a plan.
[[nodiscard]] Trigger each_call(FunctionSet functions) { return {.functions = functions}; }

/// Of a fault that changes something and says nothing about when.
[[nodiscard]] Trigger once(FunctionSet functions) { return {.functions = functions, .times = 1}; }

[[nodiscard]] Trigger each_signature() {
    return {.functions = functions({Function::C_Sign, Function::C_SignFinal, Function::C_SignMessage,
                                    Function::C_SignMessageNext}),
            .moment = Moment::after};
}

} // namespace

TEST_CASE("return") {
    CHECK(only_fault(R"({"fault": "return", "function": "C_Sign"})") ==
          call_fault("return", each_call(functions({Function::C_Sign})), ReturnValue{}));
    CHECK(
        only_fault(R"({"fault": "return", "function": ["C_Sign", "C_Login"], "rv": "CKR_PIN_EXPIRED"})") ==
        call_fault("return", each_call(functions({Function::C_Sign, Function::C_Login})), ReturnValue{0xa3}));
    CHECK(only_fault(R"({"fault": "return", "function": "all", "rv": "0x80000001"})") ==
          call_fault("return", each_call(every_function()), ReturnValue{0x80000001}));
    CHECK(only_fault(R"({"fault": "return", "function": "C_Initialize", "rv": "CKR_OK", "when": "after"})") ==
          call_fault("return", {.functions = functions({Function::C_Initialize}), .moment = Moment::after},
                     ReturnValue{CKR_OK}));
}

TEST_CASE("session-lost") {
    const auto with_session = functions_with("s");
    CHECK(only_fault(R"({"fault": "session-lost"})") ==
          call_fault("session-lost", once(with_session), SessionLost{}));
    CHECK(
        only_fault(
            R"({"fault": "session-lost", "function": "all", "sessions": "all", "rv": "CKR_DEVICE_ERROR"})") ==
        call_fault("session-lost", once(with_session), SessionLost{true, CKR_DEVICE_ERROR}));
    CHECK(
        only_fault(
            R"({"fault": "session-lost", "function": "C_Sign", "at": 2, "when": "after", "rv": "CKR_OK"})") ==
        call_fault("session-lost",
                   {.functions = functions({Function::C_Sign}), .at = {2}, .moment = Moment::after},
                   SessionLost{false, CKR_OK}));
}

TEST_CASE("faults that change what the token is") {
    const auto with_session = functions_with("s");
    const auto with_slot = functions_with("sl");
    CHECK(only_fault(R"({"fault": "logged-out"})") ==
          call_fault("logged-out", once(with_session), LoggedOut{}));
    CHECK(only_fault(R"({"fault": "handles-renumbered", "every": 10})") ==
          call_fault("handles-renumbered", {.functions = with_session, .every = 10}, HandlesRenumbered{}));
    CHECK(only_fault(R"({"fault": "handles-renumbered", "reused": true, "probability": 0.25})") ==
          call_fault("handles-renumbered", {.functions = with_session, .probability = 0.25},
                     HandlesRenumbered{true}));
    CHECK(only_fault(R"({"fault": "slot-renumbered", "times": 3})") ==
          call_fault("slot-renumbered", {.functions = with_slot, .times = 3}, SlotRenumbered{}));
    CHECK(only_fault(R"({"fault": "device-removed"})") ==
          call_fault("device-removed", once(with_slot), DeviceRemoved{}));
    CHECK(only_fault(R"({"fault": "device-removed", "ms": 0.5, "rv": "CKR_TOKEN_NOT_PRESENT", "from": 4})") ==
          call_fault("device-removed", {.functions = with_slot, .from = 4, .times = 1},
                     DeviceRemoved{0.5, CKR_TOKEN_NOT_PRESENT}));
}

TEST_CASE("key-swapped") {
    const auto with_session = functions_with("s");
    CHECK(only_fault(R"({"fault": "key-swapped", "label": "", "with": "b"})") ==
          call_fault("key-swapped", once(with_session), KeySwapped{.label = "", .id = {}, .with = "b"}));
    CHECK(
        only_fault(
            R"({"fault": "key-swapped", "id": "00aF", "with": "b", "stale": true, "function": "C_SignInit"})") ==
        call_fault("key-swapped", once(functions({Function::C_SignInit})),
                   KeySwapped{.label = {}, .id = {{0x00, 0xaf}}, .with = "b", .stale = true}));
    CHECK(only_fault(R"({"fault": "key-swapped", "label": "a", "id": "01", "with": "schlüssel"})") ==
          call_fault("key-swapped", once(with_session),
                     KeySwapped{.label = "a", .id = {{0x01}}, .with = "schlüssel"}));
}

TEST_CASE("pin-rejected") {
    const auto login = functions({Function::C_Login, Function::C_LoginUser});
    CHECK(only_fault(R"({"fault": "pin-rejected"})") ==
          call_fault("pin-rejected", each_call(login), PinRejected{}));
    CHECK(
        only_fault(R"({"fault": "pin-rejected", "owner": "so", "when": "before", "function": "C_Login"})") ==
        call_fault("pin-rejected", each_call(functions({Function::C_Login})),
                   PinRejected{PinOwner::security_officer}));
}

TEST_CASE("slow and hang") {
    using Shape = Delay::Shape;
    const auto slow = [](Delay delay) {
        return call_fault("slow", each_call(every_function()), Slow{delay});
    };
    CHECK(only_fault(R"({"fault": "slow", "ms": 10})") == slow({Shape::fixed, 10, 0}));
    CHECK(only_fault(R"({"fault": "slow", "ms": 0.25})") == slow({Shape::fixed, 0.25, 0}));
    CHECK(only_fault(R"({"fault": "slow", "ms": {"uniform": [1, 5]}})") == slow({Shape::uniform, 1, 5}));
    CHECK(only_fault(R"({"fault": "slow", "ms": {"normal": [10, 2.5]}})") == slow({Shape::normal, 10, 2.5}));
    CHECK(only_fault(R"({"fault": "slow", "ms": {"exponential": 10}})") == slow({Shape::exponential, 10, 0}));
    CHECK(only_fault(R"({"fault": "hang", "function": "C_Sign"})") ==
          call_fault("hang", each_call(functions({Function::C_Sign})), Hang{}));
    CHECK(only_fault(R"({"fault": "hang", "function": "all", "ms": 86400000})") ==
          call_fault("hang", each_call(every_function()), Hang{86400000}));
}

TEST_CASE("signatures") {
    CHECK(only_fault(R"({"fault": "short-signature"})") ==
          call_fault("short-signature", each_signature(), WrongLengthSignature{}));
    CHECK(only_fault(R"({"fault": "short-signature", "bytes": -65536})") ==
          call_fault("short-signature", each_signature(), WrongLengthSignature{-65536}));
    CHECK(only_fault(R"({"fault": "short-signature", "bytes": 65536, "when": "after"})") ==
          call_fault("short-signature", each_signature(), WrongLengthSignature{65536}));
    CHECK(only_fault(R"({"fault": "corrupt-signature", "function": "C_SignFinal"})") ==
          call_fault("corrupt-signature",
                     {.functions = functions({Function::C_SignFinal}), .moment = Moment::after},
                     CorruptSignature{}));
}

TEST_CASE("when a fault comes") {
    const auto trigger = [](const std::string& members) {
        return only_fault(R"({"fault": "return", "function": "C_Sign", )" + members + "}").trigger.value();
    };
    const auto sign = functions({Function::C_Sign});
    CHECK(trigger(R"("at": 3)") == Trigger{.functions = sign, .at = {3}});
    CHECK(trigger(R"("at": [7, 3, 5])") == Trigger{.functions = sign, .at = {3, 5, 7}});
    CHECK(trigger(R"("at": 18446744073709551615)") ==
          Trigger{.functions = sign, .at = {18446744073709551615U}});
    CHECK(trigger(R"("every": 2, "from": 5, "times": 4)") ==
          Trigger{.functions = sign, .every = 2, .from = 5, .times = 4});
    CHECK(trigger(R"("probability": 0)") == Trigger{.functions = sign, .probability = 0.0});
    CHECK(trigger(R"("probability": 1)") == Trigger{.functions = sign, .probability = 1.0});
    CHECK(trigger(R"("session": 2)") == Trigger{.functions = sign, .session = 2});
    CHECK(trigger(R"("count": "per-session")") == Trigger{.functions = sign, .per_session = true});
    CHECK(trigger(R"("count": "all")") == Trigger{.functions = sign});
    CHECK(trigger(R"("when": "after")") == Trigger{.functions = sign, .moment = Moment::after});
    CHECK(trigger(R"("when": "before")") == Trigger{.functions = sign});
}

TEST_CASE("faults of PINs that stand") {
    CHECK(only_fault(R"({"fault": "pin-state"})") == standing_fault("pin-state", PinState{}));
    CHECK(only_fault(R"({"fault": "pin-state", "owner": "so", "state": "locked"})") ==
          standing_fault("pin-state", PinState{PinOwner::security_officer, PinState::State::locked}));
    CHECK(only_fault(R"({"fault": "pin-state", "owner": "user", "state": "count-low"})") ==
          standing_fault("pin-state", PinState{PinOwner::user, PinState::State::count_low}));
    CHECK(only_fault(R"({"fault": "pin-tries"})") == standing_fault("pin-tries", PinTries{}));
    CHECK(only_fault(R"({"fault": "pin-tries", "owner": "so", "tries": 10})") ==
          standing_fault("pin-tries", PinTries{PinOwner::security_officer, 10}));
    CHECK(only_fault(R"({"fault": "pin-pad", "pin_file": "/a/b/../pin"})") ==
          standing_fault("pin-pad", PinPad{.pin_file = "/a/pin"}));
    CHECK(only_fault(R"({"fault": "pin-pad", "pin_file": "pin", "only": true})") ==
          standing_fault("pin-pad", PinPad{.pin_file = (std::filesystem::current_path() / "pin").string(),
                                           .only = true}));
}

TEST_CASE("faults of the token that stand") {
    CHECK(only_fault(R"({"fault": "session-cap"})") == standing_fault("session-cap", SessionCap{}));
    CHECK(only_fault(R"({"fault": "session-cap", "sessions": 1, "announced": false})") ==
          standing_fault("session-cap", SessionCap{1, false}));
    CHECK(only_fault(R"({"fault": "idle-timeout"})") == standing_fault("idle-timeout", IdleTimeout{}));
    CHECK(only_fault(R"({"fault": "idle-timeout", "ms": 20, "rv": "CKR_SESSION_CLOSED"})") ==
          standing_fault("idle-timeout", IdleTimeout{20, CKR_SESSION_CLOSED}));
    CHECK(only_fault(R"({"fault": "read-only-token"})") ==
          standing_fault("read-only-token", ReadOnlyToken{}));
    CHECK(only_fault(R"({"fault": "mechanisms-hidden", "mechanisms": "CKM_ML_DSA"})") ==
          standing_fault("mechanisms-hidden", MechanismsHidden{{0x1d}, false}));
    CHECK(
        only_fault(
            R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS", "0x80000001"], "only": true})") ==
        standing_fault("mechanisms-hidden", MechanismsHidden{{0x1, 0x80000001}, true}));
    CHECK(only_fault(R"({"fault": "ec-point-raw"})") == standing_fault("ec-point-raw", EcPointRaw{}));
    CHECK(only_fault(R"({"fault": "attributes-withheld", "attributes": "CKA_ID"})") ==
          standing_fault("attributes-withheld", AttributesWithheld{{CKA_ID}, {}, false}));
    CHECK(only_fault(R"({"fault": "attributes-withheld", "attributes": ["CKA_ID", "0x80000002"],
                         "classes": ["CKO_PRIVATE_KEY", "CKO_CERTIFICATE"], "sensitive": true})") ==
          standing_fault("attributes-withheld",
                         AttributesWithheld{{CKA_ID, 0x80000002}, {CKO_PRIVATE_KEY, CKO_CERTIFICATE}, true}));
    CHECK(only_fault(R"({"fault": "data-limit"})") ==
          standing_fault("data-limit",
                         DataLimit{16384, functions({Function::C_Sign, Function::C_SignUpdate})}));
    CHECK(only_fault(R"({"fault": "data-limit", "bytes": 1, "function": "all"})") ==
          standing_fault(
              "data-limit",
              DataLimit{1, functions({Function::C_Encrypt, Function::C_EncryptUpdate, Function::C_Decrypt,
                                      Function::C_DecryptUpdate, Function::C_Digest, Function::C_DigestUpdate,
                                      Function::C_Sign, Function::C_SignUpdate, Function::C_SignRecover,
                                      Function::C_Verify, Function::C_VerifyUpdate})}));
}

TEST_CASE("faults of the module that stand") {
    CHECK(only_fault(R"({"fault": "interface-2.40"})") == standing_fault("interface-2.40", OldInterface{}));
    CHECK(only_fault(R"({"fault": "second-initialize-refused"})") ==
          standing_fault("second-initialize-refused", SecondInitializeRefused{}));
    CHECK(only_fault(R"({"fault": "second-initialize-refused", "rv": "CKR_FUNCTION_FAILED"})") ==
          standing_fault("second-initialize-refused", SecondInitializeRefused{CKR_FUNCTION_FAILED}));
    CHECK(only_fault(R"({"fault": "fork-detection"})") == standing_fault("fork-detection", ForkDetection{}));
    CHECK(only_fault(R"({"fault": "fork-detection", "rv": "CKR_DEVICE_ERROR"})") ==
          standing_fault("fork-detection", ForkDetection{CKR_DEVICE_ERROR}));
}

TEST_CASE("a whole plan") {
    const auto plan = parse_plan(R"({
        "module": "/usr/lib/softhsm/libsofthsm2.so",
        "init_arguments": "configDir='sql:/x'",
        "seed": 18446744073709551615,
        "log": "/tmp/../log.jsonl",
        "counters": "counters",
        "control": "/run/control",
        "faults": [{"fault": "read-only-token"}, {"fault": "slow", "ms": 1}]
    })");
    CHECK(plan == Plan{.module = "/usr/lib/softhsm/libsofthsm2.so",
                       .init_arguments = "configDir='sql:/x'",
                       .seed = 18446744073709551615U,
                       .log = "/log.jsonl",
                       .counters = (std::filesystem::current_path() / "counters").string(),
                       .control = "/run/control",
                       .faults = {standing_fault("read-only-token", ReadOnlyToken{}),
                                  call_fault("slow", each_call(every_function()), Slow{{.first = 1}})}});
    CHECK(parse_plan("{}") == Plan{});
    CHECK(parse_plan(R"({"module": "libsofthsm2.so"})") == Plan{.module = "libsofthsm2.so"});
    CHECK(parse_plan(R"({"module": "./libsofthsm2.so"})").module ==
          (std::filesystem::current_path() / "libsofthsm2.so").string());
}
