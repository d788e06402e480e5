// SPDX-License-Identifier: BSD-2-Clause
// What a call through the module costs more than the call itself.
#include "harness.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <dlfcn.h>
#include <thread>

using fault_test::Faulted;

namespace {

constexpr int rounds = 401;
constexpr int calls = 500;

/// C_GetFunctionStatus does nothing in any module: what is measured is the way there and back.
[[nodiscard, maybe_unused]] double nanoseconds_per_call(CK_FUNCTION_LIST& p11, CK_SESSION_HANDLE session) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) {
        static_cast<void>(p11.C_GetFunctionStatus(session));
    }
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / calls;
}

[[nodiscard, maybe_unused]] CK_FUNCTION_LIST& functions_of(const std::filesystem::path& path) {
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    CK_FUNCTION_LIST* functions = nullptr;
    REQUIRE(reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&functions) == CKR_OK);
    return *functions;
}

/// The median over rounds in which the module and the one behind it take turns, as both share a busy machine.
[[nodiscard, maybe_unused]] double cost(CK_FUNCTION_LIST& through, CK_FUNCTION_LIST& direct, CK_SESSION_HANDLE session) {
    std::array<double, rounds> more{};
    for (double& one : more) {
        const double alone = nanoseconds_per_call(direct, session);
        one = nanoseconds_per_call(through, session) - alone;
    }
    std::nth_element(more.begin(), more.begin() + rounds / 2, more.end());
    return more[rounds / 2];
}

} // namespace

// Sanitizers measure themselves.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

TEST_CASE("without a plan a call costs less than 200 ns more", "[speed]") {
    softhsm_fixtures::SoftHsmFixture fixture;
    ::setenv("PKCS11_FAULT_MODULE", fixture.token().module_path().c_str(), 1);
    CK_FUNCTION_LIST& through = functions_of(softhsm_fixtures::find_fault_module());
    CK_FUNCTION_LIST& direct = functions_of(fixture.token().module_path());
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    REQUIRE(through.C_Initialize(&arguments) == CKR_OK);
    const double plain = cost(through, direct, 1);
    CHECK(through.C_Finalize(nullptr) == CKR_OK);
    ::unsetenv("PKCS11_FAULT_MODULE");
    std::printf("a call through the fault module without a plan: %.1f ns more\n", plain);
    CHECK(plain < 200);
}

TEST_CASE("with a plan, counters, log and control file a call stays quick", "[speed]") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": 1},
        {"fault": "session-cap", "sessions": 16}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.open();
    const double watched = cost(faulted.p11(), functions_of(faulted.token().module_path()), session);
    std::printf("the same with a plan, counters, log and control file: %.1f ns more\n", watched);
    CHECK(watched < 100000);
}

#endif
