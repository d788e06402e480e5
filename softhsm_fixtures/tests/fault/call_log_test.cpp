// SPDX-License-Identifier: BSD-2-Clause
// What is written of calls, and what is not.
#include "harness.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

using fault_test::Bytes;
using fault_test::Faulted;

TEST_CASE("each call is a line of the log") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR"}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    const auto before = faulted.fault().log().size();
    CHECK(faulted.sign(session, key).sign == CKR_DEVICE_ERROR);

    std::vector<nlohmann::json> lines;
    for (const auto& line : faulted.fault().log()) {
        lines.push_back(nlohmann::json::parse(line));
    }
    REQUIRE(lines.size() == before + 2);
    auto& init = lines[before];
    auto& sign = lines[before + 1];
    CHECK(init["us"].get<double>() > 0);
    for (auto* line : {&init, &sign}) {
        for (const char* varying : {"us", "pid", "thread", "slot"}) {
            CHECK((*line)[varying].is_number());
            line->erase(varying);
        }
    }
    CHECK(init == nlohmann::json{{"function", "C_SignInit"}, {"session", session}, {"mechanism", "CKM_ECDSA"},
                                 {"object", key}, {"rv", "CKR_OK"}});
    CHECK(sign == nlohmann::json{{"function", "C_Sign"}, {"session", session}, {"rv", "CKR_DEVICE_ERROR"},
                                 {"faults", {"return"}}});
}

TEST_CASE("neither PINs nor keys nor data get into the log") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    CHECK(faulted.login(session, "6283185307") != CKR_OK);
    CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    std::string value = "a-secret-value-of-32-bytes-here!";
    CK_BBOOL no = CK_FALSE;
    std::vector<CK_ATTRIBUTE> secret = {{CKA_CLASS, &kind, sizeof kind}, {CKA_KEY_TYPE, &type, sizeof type},
                                        {CKA_VALUE, value.data(), value.size()}, {CKA_SENSITIVE, &no, 1},
                                        {CKA_EXTRACTABLE, &no, 1}};
    CK_OBJECT_HANDLE object = 0;
    REQUIRE(faulted.p11().C_CreateObject(session, secret.data(), secret.size(), &object) == CKR_OK);
    CK_MECHANISM digest{CKM_SHA256, nullptr, 0};
    Bytes data = {'t', 'h', 'e', ' ', 'd', 'a', 't', 'a'};
    Bytes result(32);
    CK_ULONG size = result.size();
    REQUIRE(faulted.p11().C_DigestInit(session, &digest) == CKR_OK);
    REQUIRE(faulted.p11().C_Digest(session, data.data(), data.size(), result.data(), &size) == CKR_OK);

    std::set<std::string> members;
    for (const auto& line : faulted.fault().log()) {
        const auto members_of_line = nlohmann::json::parse(line).get<std::map<std::string, nlohmann::json>>();
        for (const auto& member : members_of_line) {
            members.insert(member.first);
        }
        for (const std::string& hidden : {faulted.token().user_pin(), std::string("6283185307"), value,
                                          std::string("the data")}) {
            CHECK(line.find(hidden) == std::string::npos);
        }
    }
    CHECK(members == std::set<std::string>{"function", "mechanism", "pid", "rv", "session", "slot", "thread", "us"});
}

TEST_CASE("a line of the control file sets counters back once, whichever process reads it") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    static_cast<void>(faulted.slots());
    faulted.fault().inject(R"({"reset": "counters"})");
    CK_INFO info{};
    REQUIRE(faulted.p11().C_GetInfo(&info) == CKR_OK);
    CHECK(faulted.fault().calls("C_GetSlotList") == 0);
    static_cast<void>(faulted.slots());
    CHECK(faulted.fault().calls("C_GetSlotList") == 2);
    // Another process reads the same line.
    const std::string command = std::string("'" LOADER "' '") + faulted.fault().path().string() + "'";
    CHECK(std::system(command.c_str()) == 0);
    CHECK(faulted.fault().calls("C_GetSlotList") == 2);
}

TEST_CASE("counters can be set back by the test") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    static_cast<void>(faulted.slots());
    CHECK(faulted.fault().calls("C_GetSlotList") == 2);
    faulted.fault().reset_counters();
    CHECK(faulted.fault().calls("C_GetSlotList") == 0);
    static_cast<void>(faulted.slots());
    CHECK(faulted.fault().calls("C_GetSlotList") == 2);
}
