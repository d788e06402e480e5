// SPDX-License-Identifier: BSD-2-Clause
// The module as a library: what it exports, refuses and survives.
#include "harness.hpp"

#include <softhsm_fixtures/temporary_folder.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <thread>
#include <unistd.h>

using fault_test::Faulted;
using fault_test::status_of_child;

namespace {

struct Interface {
    char* name;
    void* function_list;
    CK_FLAGS flags;
};
using GetInterfaceList = CK_RV (*)(Interface*, CK_ULONG*);
using GetInterface = CK_RV (*)(CK_UTF8CHAR*, CK_VERSION*, Interface**, CK_FLAGS);

template <typename Function>
[[nodiscard]] Function symbol(const std::filesystem::path& library, const char* name) {
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle != nullptr);
    return reinterpret_cast<Function>(::dlsym(handle, name));
}

/// A program of its own that loads the module with one variable set; its exit status and what it said.
struct Loaded {
    int status;
    std::string said;
};
[[nodiscard]] Loaded load_with(const std::string& variable, const std::string& value) {
    const softhsm_fixtures::TemporaryFolder folder("loaded");
    const auto said = folder.path() / "said";
    const std::string library = softhsm_fixtures::find_fault_module().string();
    const std::string command = "env -u PKCS11_FAULT_PLAN " + variable + "='" + value + "' '" LOADER "' '" + library +
                                "' 2> '" + said.string() + "'";
    const int status = std::system(command.c_str());
    std::ifstream file(said);
    return {WEXITSTATUS(status), {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}};
}

} // namespace

TEST_CASE("the module exports what a module of its version does") {
    Faulted faulted;
    const auto path = faulted.fault().path();
    CHECK(symbol<void*>(path, "C_GetFunctionList") != nullptr);
    CHECK(symbol<void*>(path, "C_GetInterface") != nullptr);
    CHECK(symbol<void*>(path, "C_GetInterfaceList") != nullptr);
    const auto old = softhsm_fixtures::find_fault_module(true);
    CHECK(symbol<void*>(old, "C_GetFunctionList") != nullptr);
    CHECK(symbol<void*>(old, "C_GetInterface") == nullptr);
    CHECK(symbol<void*>(old, "C_GetInterfaceList") == nullptr);
}

TEST_CASE("before a module of 2.40 there is one interface") {
    Faulted faulted;
    const auto list = symbol<GetInterfaceList>(faulted.fault().path(), "C_GetInterfaceList");
    CK_ULONG count = 0;
    CHECK(list(nullptr, &count) == CKR_OK);
    REQUIRE(count == 1);
    std::array<Interface, 1> interfaces{};
    count = 0;
    CHECK(list(interfaces.data(), &count) == CKR_BUFFER_TOO_SMALL);
    CHECK(list(interfaces.data(), &count) == CKR_OK);
    CHECK(std::string(interfaces[0].name) == "PKCS 11");
    const auto& version = *static_cast<CK_VERSION*>(interfaces[0].function_list);
    CHECK(version.major == 2);
    CHECK(version.minor == 40);

    const auto get = symbol<GetInterface>(faulted.fault().path(), "C_GetInterface");
    CK_VERSION wanted{3, 0};
    Interface* found = nullptr;
    CHECK(get(nullptr, &wanted, &found, 0) == CKR_FUNCTION_FAILED);
    CHECK(get(nullptr, nullptr, &found, 0) == CKR_OK);
    CHECK(found->function_list == interfaces[0].function_list);
}

TEST_CASE("a plan that cannot be used is refused before the module is loaded, with what is known") {
    Faulted faulted; // so that there is a module to name
    const auto refused = [](const std::string& plan, const std::string& named, const std::string& known) {
        const auto loaded = load_with("PKCS11_FAULT_PLAN", plan);
        CAPTURE(plan, loaded.said);
        CHECK(loaded.status == 5); // CKR_GENERAL_ERROR of C_GetFunctionList
        CHECK(loaded.said.find("pkcs11-fault: error: ") == 0);
        CHECK(loaded.said.find(named) != std::string::npos);
        CHECK(loaded.said.find(known) != std::string::npos);
    };
    refused(R"({"faults": [{"fault": "sesion-lost"}]})", "\"sesion-lost\"", "session-lost");
    refused(R"({"faults": [{"fault": "return", "function": "C_Sing", "rv": "CKR_DEVICE_ERROR"}]})", "\"C_Sing\"", "C_Sign");
    refused(R"({"faults": [{"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_EROR"}]})", "\"CKR_DEVICE_EROR\"",
            "CKR_DEVICE_ERROR");
    refused(R"({"profile": "yubyhsm2"})", "\"yubyhsm2\"", "yubihsm2");
    refused(R"({"faults": )", "not JSON", "line 1");
    CHECK(load_with("PKCS11_FAULT_PLAN", "{}").status == 0);
}

TEST_CASE("a module that cannot stand behind is refused") {
    Faulted faulted;
    const auto missing = load_with("PKCS11_FAULT_MODULE", "/nowhere/module.so");
    CHECK(missing.status == 5);
    CHECK(missing.said.find("\"/nowhere/module.so\" cannot be loaded") != std::string::npos);
    const auto itself = load_with("PKCS11_FAULT_MODULE", faulted.fault().path().string());
    CHECK(itself.status == 5);
    CHECK(itself.said.find("is the fault module itself") != std::string::npos);
}

TEST_CASE("a forked child uses the module anew, while other threads are in it") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "fork-detection"},
        {"fault": "slow", "function": "C_Sign", "ms": 1}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.ready();
    const auto key = faulted.make_key(session, "key").private_key;
    std::atomic<bool> stop = false;
    std::thread signer([&] {
        while (!stop) {
            static_cast<void>(faulted.sign(session, key));
        }
    });
    std::vector<int> statuses;
    for (int i = 0; i < 20; ++i) {
        statuses.push_back(status_of_child([&] {
            ::alarm(20);
            CK_SESSION_INFO info{};
            return faulted.p11().C_GetSessionInfo(session, &info) == CKR_CRYPTOKI_NOT_INITIALIZED ? 7 : 8;
        }));
    }
    stop = true;
    signer.join();
    CHECK(statuses == std::vector<int>(20, 7));
    // SoftHSM is told to start anew in a child, so that it may.
    CHECK(status_of_child([&] {
              ::alarm(20);
              return faulted.initialise() == CKR_OK && faulted.slots().size() == 1 ? 7 : 8;
          }) == 7);
    CK_SESSION_INFO info{};
    CHECK(faulted.p11().C_GetSessionInfo(session, &info) == CKR_OK);
}

TEST_CASE("processes share the counters") {
    Faulted faulted;
    const auto before = faulted.fault().calls("C_GetInfo");
    std::vector<int> statuses;
    for (int i = 0; i < 5; ++i) {
        statuses.push_back(load_with("TOKENS", "1").status);
    }
    CHECK(statuses == std::vector<int>(5, 0));
    CHECK(faulted.fault().calls("C_GetInfo") == before + 5);
}

TEST_CASE("sessions are taken from under eight threads without harm") {
    Faulted faulted({.plan = R"({"seed": 3, "faults": [
        {"fault": "session-lost", "function": "C_Sign", "sessions": "all", "every": 40},
        {"fault": "session-lost", "function": "C_SignInit", "every": 17, "when": "after"},
        {"fault": "logged-out", "function": "C_SignInit", "every": 90},
        {"fault": "handles-renumbered", "function": "C_SignInit", "every": 130}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto holder = faulted.ready();
    static_cast<void>(faulted.make_key(holder, "key"));
    const CK_SLOT_ID slot = faulted.slot();
    std::array<int, 8> good{};
    std::vector<std::thread> threads;
    for (int& count : good) {
        threads.emplace_back([&] {
            std::string pin = faulted.token().user_pin();
            for (int i = 0; i < 150; ++i) {
                CK_SESSION_HANDLE session = 0;
                auto& p11 = faulted.p11();
                if (p11.C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) {
                    continue;
                }
                p11.C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size());
                CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
                CK_ATTRIBUTE wanted{CKA_CLASS, &kind, sizeof kind};
                CK_OBJECT_HANDLE key = 0;
                CK_ULONG found = 0;
                p11.C_FindObjectsInit(session, &wanted, 1);
                p11.C_FindObjects(session, &key, 1, &found);
                p11.C_FindObjectsFinal(session);
                count += found == 1 && faulted.sign(session, key).sign == CKR_OK ? 1 : 0;
                p11.C_CloseSession(session);
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    int all = 0;
    for (const int count : good) {
        all += count;
    }
    CHECK(all > 100);
    CHECK(all < 1200);
}
