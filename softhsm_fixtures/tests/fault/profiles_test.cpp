// SPDX-License-Identifier: BSD-2-Clause
// Profiles in force, on a real SoftHSM token.
#include "harness.hpp"

#include "fault/plan.hpp"

#include <algorithm>
#include <string>
#include <vector>

using fault_test::Faulted;

namespace {

[[nodiscard]] std::vector<CK_RV> open_all(Faulted& faulted, std::size_t count) {
    std::vector<CK_RV> values;
    for (std::size_t i = 0; i < count; ++i) {
        values.push_back(faulted.try_open(0));
    }
    return values;
}

[[nodiscard]] bool has_mechanism(Faulted& faulted, CK_MECHANISM_TYPE type) {
    CK_MECHANISM_INFO info{};
    return faulted.p11().C_GetMechanismInfo(faulted.slot(), type, &info) == CKR_OK;
}

/// What a signature gives with a key that was made before: of C_SignInit, and of C_Sign.
[[nodiscard]] std::pair<CK_RV, CK_RV> signed_with(Faulted& faulted, CK_SESSION_HANDLE session,
                                                  CK_OBJECT_HANDLE key) {
    const auto result = faulted.sign(session, key);
    return {result.init, result.sign};
}

} // namespace

TEST_CASE("a token with each profile is logged in to, and initialised anew") {
    for (const auto& profile : pkcs11_fault::known_profiles()) {
        CAPTURE(profile.name);
        Faulted faulted({.profile = profile.name});
        for (int i = 0; i < 2; ++i) {
            REQUIRE(faulted.initialise() == CKR_OK);
            CHECK(faulted.login(faulted.open(0)) == CKR_OK);
            CHECK(faulted.finalise() == CKR_OK);
        }
    }
}

TEST_CASE("yubihsm2: 16 sessions that nobody was told of, no PIN functions") {
    Faulted faulted({.profile = "yubihsm2"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto promised = faulted.token_info().ulMaxSessionCount;
    CHECK((promised == CK_EFFECTIVELY_INFINITE || promised == CK_UNAVAILABLE_INFORMATION));
    std::vector<CK_RV> expected(16, CKR_OK);
    expected.push_back(CKR_SESSION_COUNT);
    CHECK(open_all(faulted, 17) == expected);
    REQUIRE(faulted.p11().C_CloseAllSessions(faulted.slot()) == CKR_OK);
    CK_UTF8CHAR pin[] = "1234";
    CHECK(faulted.p11().C_SetPIN(faulted.ready(), pin, 4, pin, 4) == CKR_FUNCTION_NOT_SUPPORTED);
}

TEST_CASE("ykcs11: 16 sessions that are announced, 3 tries") {
    Faulted faulted({.profile = "ykcs11"});
    REQUIRE(faulted.initialise() == CKR_OK);
    CHECK(faulted.token_info().ulMaxSessionCount == 16);
    const auto session = faulted.open();
    for (int i = 0; i < 3; ++i) {
        CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
    }
    CHECK(faulted.login(session) == CKR_PIN_LOCKED);
}

TEST_CASE("opensc-eid: write protected, and pulled out at the third signature") {
    Faulted card;
    // The key is made before the token is a card.
    REQUIRE(card.initialise() == CKR_OK);
    const auto session = card.ready();
    const auto key = card.make_key(session, "key").private_key;
    card.fault().inject(R"({"profile": "opensc-eid"})");
    CHECK((card.token_info().flags & CKF_WRITE_PROTECTED) != 0);
    CHECK(card.try_open(CKF_RW_SESSION) == CKR_TOKEN_WRITE_PROTECTED);
    using Values = std::pair<CK_RV, CK_RV>;
    CHECK(signed_with(card, session, key) == Values{CKR_OK, CKR_OK});
    CHECK(signed_with(card, session, key) == Values{CKR_OK, CKR_OK});
    CHECK(signed_with(card, session, key).first == CKR_DEVICE_REMOVED);
    CHECK(card.slots().empty());
    card.fault().inject(R"({"insert": "device"})");
    CHECK(card.try_open(0) == CKR_OK);
}

TEST_CASE("luna-network: one broken connection takes all sessions") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto other = faulted.open();
    const auto key = faulted.make_key(session, "key").private_key;
    faulted.fault().inject(R"({"profile": "luna-network"})");
    for (int i = 0; i < 2; ++i) {
        CHECK(signed_with(faulted, session, key).second == CKR_OK);
    }
    CHECK(signed_with(faulted, session, key).first == CKR_DEVICE_ERROR);
    CK_SESSION_INFO info{};
    CHECK(faulted.p11().C_GetSessionInfo(session, &info) == CKR_SESSION_HANDLE_INVALID);
    CHECK(faulted.p11().C_GetSessionInfo(other, &info) == CKR_SESSION_HANDLE_INVALID);
    // Sessions and login can be had again.
    CHECK(faulted.login(faulted.open()) == CKR_OK);
}

TEST_CASE("profiles that hide mechanisms, one beside the other") {
    Faulted faulted({.plan = R"({"profile": ["hash-in-token", "luna-fips", "aws-cloudhsm"]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    CHECK_FALSE(has_mechanism(faulted, CKM_RSA_PKCS));
    CHECK_FALSE(has_mechanism(faulted, CKM_ECDSA));
    CHECK_FALSE(has_mechanism(faulted, CKM_RSA_PKCS_KEY_PAIR_GEN));
    CHECK_FALSE(has_mechanism(faulted, 0x1057)); // CKM_EDDSA
    CHECK(has_mechanism(faulted, CKM_SHA256_RSA_PKCS));
    CHECK(has_mechanism(faulted, CKM_EC_KEY_PAIR_GEN));
}

TEST_CASE("limits of several profiles hold beside each other") {
    Faulted faulted({.plan = R"({"profile": ["smartcard-hsm", "aws-cloudhsm"],
                                 "faults": [{"fault": "data-limit", "bytes": 10, "function": "C_Digest"}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto digest = [&](std::size_t size) {
        CK_MECHANISM mechanism{CKM_SHA256, nullptr, 0};
        REQUIRE(faulted.p11().C_DigestInit(session, &mechanism) == CKR_OK);
        std::vector<CK_BYTE> data(size);
        std::vector<CK_BYTE> result(32);
        CK_ULONG result_size = result.size();
        return faulted.p11().C_Digest(session, data.data(), data.size(), result.data(), &result_size);
    };
    CHECK(digest(10) == CKR_OK);
    CHECK(digest(11) == CKR_DATA_LEN_RANGE);
    CHECK(digest(10) == CKR_OK);
}

TEST_CASE("a session lost after the call that went well, whose answer is its own") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    faulted.fault().inject(
        R"({"fault": "session-lost", "function": ["C_Sign", "C_GetObjectSize"], "when": "after", "rv": "CKR_OK"})");
    const auto made = faulted.sign(session, key);
    CHECK(made.sign == CKR_OK);
    CHECK_FALSE(made.signature.empty());
    CK_SESSION_INFO info{};
    CHECK(faulted.p11().C_GetSessionInfo(session, &info) == CKR_SESSION_HANDLE_INVALID);

    // Nor is a failure of the call's own made good.
    faulted.fault().clear();
    faulted.fault().inject(
        R"({"fault": "session-lost", "function": "C_GetObjectSize", "when": "after", "rv": "CKR_OK"})");
    CK_ULONG size = 0;
    CHECK(faulted.p11().C_GetObjectSize(faulted.open(), 987654, &size) == CKR_OBJECT_HANDLE_INVALID);
}
