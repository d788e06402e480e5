// SPDX-License-Identifier: BSD-2-Clause
// The fault module before a module of PKCS#11 3.x that needs a string in C_Initialize: NSS softokn.
#include "harness.hpp"

#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <array>
#include <cstring>
#include <dlfcn.h>

namespace {

struct Interface {
    char* name;
    void* function_list;
    CK_FLAGS flags;
};
using GetInterfaceList = CK_RV (*)(Interface*, CK_ULONG*);
using GetInterface = CK_RV (*)(CK_UTF8CHAR*, CK_VERSION*, Interface**, CK_FLAGS);
using SessionCancel = CK_RV (*)(CK_SESSION_HANDLE, CK_FLAGS);

// Where C_SessionCancel stands in a list of 3.0: behind 68 functions of 2.40, C_GetInterfaceList, C_GetInterface, C_LoginUser.
constexpr std::size_t session_cancel = 71;
struct List {
    CK_VERSION version;
    std::array<void (*)(), 92> functions;
};

template <typename Function>
[[nodiscard]] Function symbol(const std::filesystem::path& library, const char* name) {
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle != nullptr);
    return reinterpret_cast<Function>(::dlsym(handle, name));
}

} // namespace

TEST_CASE("a module of 3.0 keeps its interface, and is given its string") {
    const auto& nss = softhsm_fixtures::require_module("nss-softokn");
    if (const auto reason = nss.absence_reason()) {
        SKIP(*reason);
    }
    const auto token = softhsm_fixtures::make_test_token(nss);
    const softhsm_fixtures::ScopedTokenEnvironment environment(*token);
    softhsm_fixtures::FaultModule fault(
        token->module_path(),
        {.plan = R"({"init_arguments": ")" + token->init_arguments() + R"(", "faults": [{"fault": "return",
            "function": "C_SessionCancel", "rv": "CKR_OPERATION_CANCEL_FAILED", "at": 1}]})"});

    // The interfaces are asked for before C_Initialize, so that another module must not be in force from tests before.
    CK_FUNCTION_LIST* old = nullptr;
    REQUIRE(symbol<CK_C_GetFunctionList>(fault.path(), "C_GetFunctionList")(&old) == CKR_OK);
    REQUIRE(old->C_Initialize(nullptr) == CKR_OK);
    const auto list = symbol<GetInterfaceList>(fault.path(), "C_GetInterfaceList");
    const auto get = symbol<GetInterface>(fault.path(), "C_GetInterface");
    std::array<Interface, 4> offered{};
    CK_ULONG count = offered.size();
    REQUIRE(list(offered.data(), &count) == CKR_OK);
    CHECK(count >= 2);
    CK_VERSION wanted{3, 0};
    Interface* found = nullptr;
    REQUIRE(get(nullptr, &wanted, &found, 0) == CKR_OK);
    auto& functions = *static_cast<List*>(found->function_list);
    CHECK(functions.version.major == 3);

    CK_ULONG slots = 0;
    REQUIRE(old->C_GetSlotList(CK_TRUE, nullptr, &slots) == CKR_OK);
    std::vector<CK_SLOT_ID> all(slots);
    REQUIRE(old->C_GetSlotList(CK_TRUE, all.data(), &slots) == CKR_OK);
    CK_SESSION_HANDLE session = 0;
    REQUIRE(old->C_OpenSession(all.back(), CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_OK);
    const auto cancel = reinterpret_cast<SessionCancel>(functions.functions[session_cancel]);
    CHECK(cancel(session, 0) == 0x202); // CKR_OPERATION_CANCEL_FAILED
    CHECK(cancel(session, 0) == CKR_OK);
    CHECK(fault.calls("C_SessionCancel") == 2);

    fault.inject(R"({"fault": "interface-2.40"})");
    CK_INFO info{};
    CHECK(old->C_GetInfo(&info) == CKR_OK);
    CHECK(get(nullptr, &wanted, &found, 0) == CKR_FUNCTION_FAILED);
    count = offered.size();
    CHECK(list(offered.data(), &count) == CKR_OK);
    CHECK(count == 1);
    CHECK(old->C_Finalize(nullptr) == CKR_OK);
}
