// SPDX-License-Identifier: BSD-2-Clause
// Faults that come at calls, on a real SoftHSM token.
#include "harness.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

using fault_test::Bytes;
using fault_test::Faulted;

namespace {

/// What so many signatures in a row answer.
[[nodiscard]] std::vector<CK_RV> signatures(Faulted& faulted, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, int count) {
    std::vector<CK_RV> answers;
    for (int i = 0; i < count; ++i) {
        answers.push_back(faulted.sign(session, key).sign);
    }
    return answers;
}

[[nodiscard]] double milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

TEST_CASE("without a plan the module behind is used as it is, and counted") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key");
    const auto result = faulted.sign(session, key.private_key);
    CHECK(result.sign == CKR_OK);
    CHECK(faulted.verify(session, key.public_key, result.signature) == CKR_OK);
    CHECK(faulted.fault().calls("C_Login") == 1);
    CHECK(faulted.fault().calls("C_Sign") == 1);
    CHECK(faulted.fault().failed_calls("C_Sign") == 0);
    CHECK(faulted.fault().calls("C_Verify") == 1);
    CHECK_THROWS_AS(faulted.fault().calls("C_Sing"), softhsm_fixtures::InvalidOption);
}

TEST_CASE("a return value comes at the calls that were asked for, and the token goes on") {
    Faulted faulted({.plan = R"({"faults": [
        {"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": [2, 3]},
        {"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_MEMORY", "every": 5},
        {"fault": "return", "function": "C_SignInit", "rv": "CKR_FUNCTION_FAILED", "from": 7, "times": 1}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key");
    CHECK(signatures(faulted, session, key.private_key, 8) ==
          std::vector<CK_RV>{CKR_OK, CKR_DEVICE_ERROR, CKR_DEVICE_ERROR, CKR_OK, CKR_DEVICE_MEMORY, CKR_OK,
                             CKR_FUNCTION_FAILED, CKR_OK});
    CHECK(faulted.fault().failed_calls("C_Sign") == 3);
}

TEST_CASE("calls are counted for each session apart when asked") {
    Faulted faulted({.plan = R"({"faults": [
        {"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": 2, "count": "per-session"},
        {"fault": "return", "function": "C_SignInit", "rv": "CKR_FUNCTION_FAILED", "at": 1, "session": 2}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto first = faulted.ready();
    const auto second = faulted.open();
    const auto key = faulted.make_key(first, "key").private_key;
    CHECK(signatures(faulted, first, key, 3) == std::vector<CK_RV>{CKR_OK, CKR_DEVICE_ERROR, CKR_OK});
    CHECK(signatures(faulted, second, key, 4) ==
          std::vector<CK_RV>{CKR_FUNCTION_FAILED, CKR_OK, CKR_DEVICE_ERROR, CKR_OK});
}

TEST_CASE("a probability gives the same calls for the same seed") {
    const auto run = [](const std::string& seed) {
        Faulted faulted({.plan = R"({"seed": )" + seed + R"(, "faults": [
            {"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "probability": 0.3}]})"});
        REQUIRE(faulted.initialise() == CKR_OK);
        const auto session = faulted.ready();
        return signatures(faulted, session, faulted.make_key(session, "key").private_key, 100);
    };
    const auto first = run("7");
    CHECK(run("7") == first);
    CHECK(run("8") != first);
    const auto failed = std::count(first.begin(), first.end(), CK_RV{CKR_DEVICE_ERROR});
    CHECK(failed > 10);
    CHECK(failed < 60);
}

TEST_CASE("an answer can be lost after the token has done its work") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "return", "function": "C_GenerateKeyPair",
        "rv": "CKR_DEVICE_REMOVED", "at": 1, "when": "after"}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    Bytes curve = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ATTRIBUTE parameters{CKA_EC_PARAMS, curve.data(), curve.size()};
    std::string label = "orphan";
    CK_ATTRIBUTE name{CKA_LABEL, label.data(), label.size()};
    CK_OBJECT_HANDLE one = 0;
    CK_OBJECT_HANDLE other = 0;
    CHECK(faulted.p11().C_GenerateKeyPair(session, &mechanism, &parameters, 1, &name, 1, &one, &other) ==
          CKR_DEVICE_REMOVED);
    CHECK(faulted.find(session, CKO_PRIVATE_KEY, "orphan").size() == 1);
}

TEST_CASE("one session is lost, before or after the call") {
    const auto when = GENERATE(as<std::string>{}, "before", "after");
    Faulted faulted({.plan = R"({"faults": [{"fault": "session-lost", "function": "C_Sign", "at": 2, "when": ")" + when +
                             R"("}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto lost = faulted.ready();
    const auto kept = faulted.open();
    const auto key = faulted.make_key(lost, "key").private_key;
    CHECK(signatures(faulted, lost, key, 3) ==
          std::vector<CK_RV>{CKR_OK, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_HANDLE_INVALID});
    CHECK(faulted.sign(kept, key).sign == CKR_OK); // the login lives on with it
}

TEST_CASE("all sessions are lost, and the login with them") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto first = faulted.ready();
    const auto second = faulted.open();
    const auto key = faulted.make_key(first, "key").private_key;
    faulted.fault().inject(R"({"fault": "session-lost", "sessions": "all", "rv": "CKR_SESSION_CLOSED"})");
    CHECK(faulted.sign(first, key).init == CKR_SESSION_CLOSED);
    CHECK(faulted.sign(first, key).init == CKR_SESSION_HANDLE_INVALID);
    CHECK(faulted.sign(second, key).init == CKR_SESSION_HANDLE_INVALID);
    const auto third = faulted.open();
    CHECK(faulted.find(third, CKO_PRIVATE_KEY, "key").empty());
    CHECK(faulted.login(third) == CKR_OK);
    CHECK(faulted.find(third, CKO_PRIVATE_KEY, "key").size() == 1);
}

TEST_CASE("the login is lost, and the session is not") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    static_cast<void>(faulted.make_key(session, "key"));
    faulted.fault().inject(R"({"fault": "logged-out"})");
    CHECK(faulted.find(session, CKO_PRIVATE_KEY, "key").empty());
    CHECK(faulted.login(session) == CKR_OK);
    CHECK(faulted.find(session, CKO_PRIVATE_KEY, "key").size() == 1);
}

TEST_CASE("handles are renumbered, and the old ones are stale") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key");
    faulted.fault().inject(R"({"fault": "handles-renumbered"})");
    CHECK(faulted.sign(session, key.private_key).init == CKR_KEY_HANDLE_INVALID);
    CHECK(faulted.attribute(session, key.public_key, CKA_LABEL).value == CKR_OBJECT_HANDLE_INVALID);
    const auto found = faulted.find(session, CKO_PRIVATE_KEY, "key");
    REQUIRE(found.size() == 1);
    CHECK(found[0] != key.private_key);
    CHECK(faulted.sign(session, found[0]).sign == CKR_OK);
}

TEST_CASE("handles are renumbered, and the old ones are other keys'") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto one = faulted.make_key(session, "one");
    const auto other = faulted.make_key(session, "other");
    faulted.fault().inject(R"({"fault": "handles-renumbered", "reused": true})");
    const auto signature = faulted.sign(session, one.private_key).signature;
    CHECK(faulted.attribute(session, one.private_key, CKA_LABEL).bytes == Bytes{'o', 't', 'h', 'e', 'r'});
    CHECK(faulted.find(session, CKO_PRIVATE_KEY, "one") == std::vector{other.private_key});
    const auto public_key_of_other = faulted.find(session, CKO_PUBLIC_KEY, "other").at(0);
    CHECK(faulted.verify(session, public_key_of_other, signature) == CKR_OK);
}

TEST_CASE("a key is another one under the same label and id") {
    const bool stale = GENERATE(false, true);
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto root = faulted.make_key(session, "root");
    const auto thief = faulted.make_key(session, "thief");
    const auto point = faulted.attribute(session, root.public_key, CKA_EC_POINT).bytes;
    const auto thiefs_point = faulted.attribute(session, thief.public_key, CKA_EC_POINT).bytes;
    faulted.fault().inject(R"({"fault": "key-swapped", "label": "root", "with": "thief", "stale": )" +
                           std::string(stale ? "true" : "false") + "}");
    if (stale) {
        CHECK(faulted.sign(session, root.private_key).init == CKR_KEY_HANDLE_INVALID);
    }
    const auto key = faulted.find(session, CKO_PRIVATE_KEY, "root").at(0);
    const auto public_key = faulted.find(session, CKO_PUBLIC_KEY, "root").at(0);
    CHECK(faulted.attribute(session, public_key, CKA_EC_POINT).bytes == thiefs_point);
    CHECK(faulted.attribute(session, key, CKA_LABEL).bytes == Bytes{'r', 'o', 'o', 't'});
    CHECK(faulted.attribute(session, public_key, CKA_ID).bytes == Bytes{'r', 'o', 'o', 't'});
    const auto signature = faulted.sign(session, stale ? key : root.private_key).signature;
    CHECK(faulted.verify(session, faulted.find(session, CKO_PUBLIC_KEY, "thief").at(0), signature) == CKR_OK);
    CHECK(point != thiefs_point);
}

TEST_CASE("a device is removed and comes back") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto slot = faulted.slot();
    const auto key = faulted.make_key(session, "key").private_key;
    faulted.fault().inject(R"({"fault": "device-removed", "ms": 200})");
    CHECK(faulted.sign(session, key).init == CKR_DEVICE_REMOVED);
    CHECK(faulted.sign(session, key).init == CKR_DEVICE_REMOVED);
    CHECK(faulted.slots().empty());
    CK_SLOT_INFO info{};
    CHECK(faulted.p11().C_GetSlotInfo(slot, &info) == CKR_OK);
    CHECK((info.flags & CKF_TOKEN_PRESENT) == 0);
    CK_SESSION_HANDLE none = 0;
    CHECK(faulted.p11().C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &none) == CKR_TOKEN_NOT_PRESENT);
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    CHECK(faulted.slots() == std::vector{slot});
    CHECK(faulted.sign(session, key).init == CKR_SESSION_HANDLE_INVALID);
    const auto again = faulted.ready();
    CHECK(faulted.sign(again, faulted.find(again, CKO_PRIVATE_KEY, "key").at(0)).sign == CKR_OK);
}

TEST_CASE("a removed device stays away until it is put back") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto slot = faulted.slot();
    faulted.fault().inject(R"({"fault": "device-removed"})");
    CHECK(faulted.slots().empty());
    CK_SLOT_ID changed = 0;
    CHECK(faulted.p11().C_WaitForSlotEvent(CKF_DONT_BLOCK, &changed, nullptr) == CKR_OK);
    CHECK(changed == slot);
    CHECK(faulted.p11().C_WaitForSlotEvent(CKF_DONT_BLOCK, &changed, nullptr) == CKR_NO_EVENT);
    std::thread inserter([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        faulted.fault().inject(R"({"insert": "device"})");
    });
    changed = 0;
    CHECK(faulted.p11().C_WaitForSlotEvent(0, &changed, nullptr) == CKR_OK);
    inserter.join();
    CHECK(changed == slot);
    CHECK(faulted.slots() == std::vector{slot});
}

TEST_CASE("slots get other numbers") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto before = faulted.slot();
    const auto session = faulted.ready();
    faulted.fault().inject(R"({"fault": "slot-renumbered"})");
    CK_TOKEN_INFO info{};
    CHECK(faulted.p11().C_GetTokenInfo(before, &info) == CKR_SLOT_ID_INVALID);
    const auto after = faulted.slot();
    CHECK(after != before);
    CK_SESSION_INFO session_info{};
    CHECK(faulted.p11().C_GetSessionInfo(session, &session_info) == CKR_OK);
    CHECK(session_info.slotID == after);
}

TEST_CASE("C_Initialize fails, and then does not") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "return", "function": "C_Initialize", "rv": "CKR_HOST_MEMORY",
        "times": 1}]})"});
    CHECK(faulted.initialise() == CKR_HOST_MEMORY);
    CHECK(faulted.initialise() == CKR_OK);
    CHECK(faulted.slots().size() == 1);
}

TEST_CASE("a PIN is rejected and never reaches the token") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "pin-rejected", "times": 1}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.open();
    CHECK(faulted.login(session) == CKR_PIN_INCORRECT);
    CHECK(faulted.login(session) == CKR_OK);
    CHECK(faulted.fault().calls("C_Login") == 2);
}

TEST_CASE("calls are slow") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "slow", "function": "C_Sign", "ms": 30}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    const auto start = std::chrono::steady_clock::now();
    CHECK(faulted.sign(session, key).sign == CKR_OK);
    CHECK(milliseconds_since(start) >= 30);
}

TEST_CASE("a hanging call comes back when it is released") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "hang", "function": "C_SignInit", "ms": 30000, "at": 1}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    const auto start = std::chrono::steady_clock::now();
    std::thread releaser([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        faulted.fault().inject(R"({"release": "hangs"})");
    });
    CHECK(faulted.sign(session, key).sign == CKR_OK);
    releaser.join();
    CHECK(milliseconds_since(start) >= 100);
    CHECK(milliseconds_since(start) < 20000);
}

TEST_CASE("signatures are short, long or wrong") {
    Faulted faulted({.plan = R"({"faults": [
        {"fault": "short-signature", "at": 1}, {"fault": "short-signature", "bytes": -2, "at": 2},
        {"fault": "corrupt-signature", "at": 3}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key");
    std::vector<std::size_t> sizes;
    std::vector<CK_RV> verified;
    for (int i = 0; i < 4; ++i) {
        const auto result = faulted.sign(session, key.private_key);
        CHECK(result.sign == CKR_OK);
        sizes.push_back(result.signature.size());
        verified.push_back(faulted.verify(session, key.public_key, result.signature));
    }
    CHECK(sizes == std::vector<std::size_t>{63, 66, 64, 64});
    CHECK(verified[2] == CKR_SIGNATURE_INVALID);
    CHECK(verified[3] == CKR_OK);
}
