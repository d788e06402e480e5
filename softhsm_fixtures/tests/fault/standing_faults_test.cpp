// SPDX-License-Identifier: BSD-2-Clause
// Faults that hold until they are cleared, on a real SoftHSM token.
#include "harness.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

using fault_test::Bytes;
using fault_test::Faulted;

namespace {

constexpr CK_FLAGS user_pin_flags = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;

[[nodiscard]] std::vector<CK_MECHANISM_TYPE> mechanisms(Faulted& faulted) {
    CK_ULONG count = 0;
    REQUIRE(faulted.p11().C_GetMechanismList(faulted.slot(), nullptr, &count) == CKR_OK);
    std::vector<CK_MECHANISM_TYPE> all(count);
    REQUIRE(faulted.p11().C_GetMechanismList(faulted.slot(), all.data(), &count) == CKR_OK);
    return all;
}

} // namespace

TEST_CASE("a PIN has so many tries, with the flags on the way") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "pin-tries", "tries": 3}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.open();
    const auto flags = [&] { return faulted.token_info().flags & user_pin_flags; };
    CHECK(flags() == 0);
    CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
    CHECK(flags() == CKF_USER_PIN_COUNT_LOW);
    CHECK(faulted.login(session) == CKR_OK); // which forgets the wrong one
    CHECK(faulted.p11().C_Logout(session) == CKR_OK);
    CHECK(flags() == 0);
    CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
    CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
    CHECK(flags() == (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY));
    CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
    CHECK(flags() == CKF_USER_PIN_LOCKED);
    CHECK(faulted.login(session) == CKR_PIN_LOCKED);
}

TEST_CASE("the state of a PIN is told as wanted") {
    const auto [state, flag, answer] = GENERATE(table<std::string, CK_FLAGS, CK_RV>({
        {"count-low", CKF_USER_PIN_COUNT_LOW, CKR_OK},
        {"final-try", CKF_USER_PIN_FINAL_TRY, CKR_OK},
        {"locked", CKF_USER_PIN_LOCKED, CKR_PIN_LOCKED},
    }));
    Faulted faulted({.plan = R"({"faults": [{"fault": "pin-state", "state": ")" + state + R"("}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    CHECK((faulted.token_info().flags & user_pin_flags) == flag);
    CHECK(faulted.login(faulted.open()) == answer);
}

TEST_CASE("a PIN is typed at the token") {
    Faulted faulted;
    faulted.fault().inject(R"({"fault": "pin-pad", "pin_file": ")" + faulted.token().user_pin_file().string() +
                           R"(", "only": true})");
    REQUIRE(faulted.initialise() == CKR_OK);
    CHECK((faulted.token_info().flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0);
    const auto session = faulted.open();
    CHECK(faulted.login(session) == CKR_ARGUMENTS_BAD);
    CHECK(faulted.p11().C_Login(session, CKU_USER, nullptr, 0) == CKR_OK);
}

TEST_CASE("a token has so many sessions") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "session-cap", "sessions": 2}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto first = faulted.open();
    static_cast<void>(faulted.open());
    CHECK(faulted.try_open() == CKR_SESSION_COUNT);
    CHECK(faulted.token_info().ulMaxSessionCount == 2);
    CHECK(faulted.token_info().ulSessionCount == 2);
    CHECK(faulted.p11().C_CloseSession(first) == CKR_OK);
    CHECK(faulted.try_open() == CKR_OK);
    faulted.fault().inject(R"({"clear": "session-cap"})");
    CHECK(faulted.try_open() == CKR_OK);
}

TEST_CASE("a session that is not used is lost, one that is used is not") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "idle-timeout", "ms": 300}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto idle = faulted.open();
    const auto busy = faulted.ready();
    CK_SESSION_INFO info{};
    for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        CHECK(faulted.p11().C_GetSessionInfo(busy, &info) == CKR_OK);
    }
    CHECK(faulted.p11().C_GetSessionInfo(idle, &info) == CKR_SESSION_HANDLE_INVALID);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    CHECK(faulted.p11().C_GetSessionInfo(busy, &info) == CKR_SESSION_HANDLE_INVALID);
    // The last session took the login with it.
    CHECK(faulted.p11().C_GetSessionInfo(faulted.open(), &info) == CKR_OK);
    CHECK(info.state == CKS_RW_PUBLIC_SESSION);
}

TEST_CASE("a token can only be read") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto writer = faulted.ready();
    const auto key = faulted.make_key(writer, "key");
    faulted.fault().inject(R"({"fault": "read-only-token"})");
    CHECK((faulted.token_info().flags & CKF_WRITE_PROTECTED) != 0);
    CHECK(faulted.try_open() == CKR_TOKEN_WRITE_PROTECTED);
    CHECK(faulted.try_open(0) == CKR_OK);
    CHECK(faulted.p11().C_DestroyObject(writer, key.public_key) == CKR_TOKEN_WRITE_PROTECTED);
    CK_OBJECT_CLASS data = CKO_DATA;
    CK_BBOOL in_token = CK_TRUE;
    std::vector<CK_ATTRIBUTE> object = {{CKA_CLASS, &data, sizeof data}, {CKA_TOKEN, &in_token, 1}};
    CK_OBJECT_HANDLE made = 0;
    CHECK(faulted.p11().C_CreateObject(writer, object.data(), object.size(), &made) == CKR_TOKEN_WRITE_PROTECTED);
    in_token = CK_FALSE;
    CHECK(faulted.p11().C_CreateObject(writer, object.data(), object.size(), &made) == CKR_OK);
    CHECK(faulted.sign(writer, key.private_key).sign == CKR_OK);
}

TEST_CASE("mechanisms are hidden") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto all = mechanisms(faulted);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    faulted.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_ECDSA", "CKM_RSA_PKCS"]})");
    auto expected = all;
    std::erase_if(expected, [](auto type) { return type == CKM_ECDSA || type == CKM_RSA_PKCS; });
    CHECK(expected.size() + 2 == all.size());
    CHECK(mechanisms(faulted) == expected);
    CHECK(faulted.sign(session, key).init == CKR_MECHANISM_INVALID);
    CK_MECHANISM_INFO info{};
    CHECK(faulted.p11().C_GetMechanismInfo(faulted.slot(), CKM_ECDSA, &info) == CKR_MECHANISM_INVALID);
    faulted.fault().inject(R"({"clear": "all"})");
    faulted.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_ECDSA"], "only": true})");
    CHECK(mechanisms(faulted) == std::vector<CK_MECHANISM_TYPE>{CKM_ECDSA});
    CHECK(faulted.sign(session, key).sign == CKR_OK);
}

TEST_CASE("points of elliptic curves are raw, both ways") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key");
    const auto point = faulted.attribute(session, key.public_key, CKA_EC_POINT).bytes;
    faulted.fault().inject(R"({"fault": "ec-point-raw"})");
    auto raw = faulted.attribute(session, key.public_key, CKA_EC_POINT).bytes;
    CHECK(raw == Bytes(point.begin() + 2, point.end()));
    CHECK(raw.at(0) == 0x04);
    CHECK(raw.size() == 65);
    CK_ATTRIBUTE by_point{CKA_EC_POINT, raw.data(), raw.size()};
    CHECK(faulted.p11().C_FindObjectsInit(session, &by_point, 1) == CKR_OK);
    std::vector<CK_OBJECT_HANDLE> found(4);
    CK_ULONG count = 0;
    CHECK(faulted.p11().C_FindObjects(session, found.data(), found.size(), &count) == CKR_OK);
    CHECK(faulted.p11().C_FindObjectsFinal(session) == CKR_OK);
    found.resize(count);
    CHECK(found == std::vector{key.public_key});
}

TEST_CASE("attributes are withheld, from the classes named") {
    Faulted faulted({.plan = R"({"faults": [
        {"fault": "attributes-withheld", "attributes": ["CKA_LABEL"], "classes": ["CKO_PUBLIC_KEY"]},
        {"fault": "attributes-withheld", "attributes": ["CKA_KEY_TYPE"], "sensitive": true}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key");
    CHECK(faulted.attribute(session, key.public_key, CKA_LABEL).value == CKR_ATTRIBUTE_TYPE_INVALID);
    CHECK(faulted.attribute(session, key.private_key, CKA_LABEL).bytes == Bytes{'k', 'e', 'y'});
    CHECK(faulted.attribute(session, key.private_key, CKA_KEY_TYPE).value == CKR_ATTRIBUTE_SENSITIVE);
    // In one template with others, which are given all the same.
    Bytes id(16);
    CK_ULONG type = 0;
    std::vector<CK_ATTRIBUTE> both = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_ID, id.data(), id.size()}};
    CHECK(faulted.p11().C_GetAttributeValue(session, key.public_key, both.data(), both.size()) ==
          CKR_ATTRIBUTE_SENSITIVE);
    CHECK(both[0].ulValueLen == ~CK_ULONG{0});
    CHECK(both[1].ulValueLen == 3);
}

TEST_CASE("too much data is refused, and the session can go on") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "data-limit", "bytes": 31}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    CHECK(faulted.sign(session, key).sign == CKR_DATA_LEN_RANGE);
    faulted.fault().inject(R"({"clear": "data-limit"})");
    CHECK(faulted.sign(session, key).sign == CKR_OK);
}

TEST_CASE("once finalised, the module does not come back") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "second-initialize-refused"}]})"});
    CHECK(faulted.initialise() == CKR_OK);
    CHECK(faulted.finalise() == CKR_OK);
    CHECK(faulted.initialise() == CKR_GENERAL_ERROR);
}

TEST_CASE("faults from the control file go when it is emptied, those of the plan stay") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "session-cap", "sessions": 5}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    faulted.fault().inject(R"({"fault": "session-cap", "sessions": 1})");
    CHECK(faulted.token_info().ulMaxSessionCount == 1);
    faulted.fault().clear();
    CHECK(faulted.token_info().ulMaxSessionCount == 5);
    // A file that is written anew is read anew.
    std::ofstream(faulted.fault().control_path()) << R"({"fault": "session-cap", "sessions": 3})" << '\n';
    CHECK(faulted.token_info().ulMaxSessionCount == 3);
}

TEST_CASE("a line that is not understood is not appended") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    CHECK_THROWS_AS(faulted.fault().inject(R"({"fault": "sesion-lost"})"), softhsm_fixtures::InvalidOption);
    CHECK(std::ifstream(faulted.fault().control_path()).peek() == std::ifstream::traits_type::eof());
}
