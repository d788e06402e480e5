// SPDX-License-Identifier: BSD-2-Clause
//
// A PKCS#11 module that signs as slowly as it is told to and costs next to nothing: a token behind a network. It hands all
// calls to a real module, but C_SignInit and C_Sign: a signature is made once for each key, mechanism and input, and
// given again after a delay that is exact to some microseconds. With a delay of 0 it leaves only what the caller costs.
//
// KEYWAY_BENCH_REAL_MODULE  the real module
// KEYWAY_BENCH_DELAY_US     how long C_Sign takes, in microseconds
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

struct Replay {
    CK_OBJECT_HANDLE key;
    CK_MECHANISM_TYPE mechanism;
    Bytes input;
    Bytes signature;
};

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST list;
long delay_ns = 0;

std::mutex mutex;
std::list<Replay> replays;  // a list does not move what it holds

/// C_SignInit and C_Sign of one signature come from one thread in all that is measured, so that no table of sessions
/// and no lock is needed.
struct Operation {
    CK_SESSION_HANDLE session = 0;
    CK_MECHANISM mechanism{};
    CK_OBJECT_HANDLE key = 0;
    bool active = false;
    const Replay* last = nullptr;
};
thread_local Operation operation;

void wait_for_token() {
    if(delay_ns == 0) {
        return;
    }
    // The kernel otherwise wakes a thread up to 50 microseconds late, to save power.
    thread_local const int exact = prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    static_cast<void>(exact);
    timespec until{};
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += delay_ns;
    until.tv_sec += until.tv_nsec / 1'000'000'000;
    until.tv_nsec %= 1'000'000'000;
    while(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
    }
}

bool fits(const Replay& replay, const unsigned char* data, CK_ULONG size) {
    return replay.key == operation.key && replay.mechanism == operation.mechanism.mechanism &&
           replay.input.size() == size && std::memcmp(replay.input.data(), data, size) == 0;
}

CK_RV sign_really(const unsigned char* data, CK_ULONG size) {
    const std::lock_guard lock(mutex);
    const auto known = std::ranges::find_if(replays, [&](const Replay& one) { return fits(one, data, size); });
    if(known != replays.end()) {
        operation.last = &*known;
        return CKR_OK;
    }
    Replay made{operation.key, operation.mechanism.mechanism, Bytes(data, data + size), Bytes(4096)};
    CK_ULONG length = made.signature.size();
    auto result = real->C_SignInit(operation.session, &operation.mechanism, operation.key);
    if(result == CKR_OK) {
        result = real->C_Sign(operation.session, made.input.data(), size, made.signature.data(), &length);
    }
    if(result == CKR_OK) {
        made.signature.resize(length);
        operation.last = &replays.emplace_back(std::move(made));
    }
    return result;
}

CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
    operation.session = session;
    operation.mechanism = *mechanism;
    operation.key = key;
    operation.active = true;
    return CKR_OK;
}

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG size, CK_BYTE* signature, CK_ULONG* length) {
    if(!operation.active || operation.session != session) {
        return CKR_OPERATION_NOT_INITIALIZED;
    }
    if(operation.last == nullptr || !fits(*operation.last, data, size)) {
        if(const auto result = sign_really(data, size); result != CKR_OK) {
            operation.active = false;
            return result;
        }
    }
    const auto& made = operation.last->signature;
    if(signature != nullptr && *length < made.size()) {
        *length = made.size();
        return CKR_BUFFER_TOO_SMALL;
    }
    *length = made.size();
    if(signature == nullptr) {
        return CKR_OK;
    }
    wait_for_token();
    std::memcpy(signature, made.data(), made.size());
    operation.active = false;
    return CKR_OK;
}

CK_RV load_real() {
    const char* const path = std::getenv("KEYWAY_BENCH_REAL_MODULE");
    const char* const delay = std::getenv("KEYWAY_BENCH_DELAY_US");
    void* const library = path == nullptr ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if(library == nullptr) {
        return CKR_GENERAL_ERROR;
    }
    const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
    if(get_list == nullptr || get_list(&real) != CKR_OK) {
        return CKR_GENERAL_ERROR;
    }
    delay_ns = delay == nullptr ? 0 : std::strtol(delay, nullptr, 10) * 1000;
    list = *real;
    list.C_SignInit = sign_init;
    list.C_Sign = sign;
    return CKR_OK;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** out);

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** out) {
    static const CK_RV loaded = load_real();
    if(loaded == CKR_OK) {
        list.C_GetFunctionList = C_GetFunctionList;
        *out = &list;
    }
    return loaded;
}
