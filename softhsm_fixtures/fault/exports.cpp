// SPDX-License-Identifier: BSD-2-Clause
#include "exports.hpp"

#include "dispatch.hpp"
#include "runtime.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <pthread.h>
#include <string>
#include <utility>
#include <vector>

namespace pkcs11_fault {

namespace {

std::atomic<Runtime*> current = nullptr;

/// What there is besides the one in force: those before it, which a thread may still be leaving.
struct Past {
    std::mutex mutex;
    std::string environment; // from which the one in force was made
    std::vector<Runtime*> runtimes;
};

/// Never destroyed, as the module is called by programs that exit.
[[nodiscard]] Past& past() {
    static Past& instance = *new Past; // NOLINT(cppcoreguidelines-owning-memory)
    return instance;
}

constexpr std::array variables = {"PKCS11_FAULT_MODULE",  "PKCS11_FAULT_PLAN", "PKCS11_FAULT_PROFILE", "PKCS11_FAULT",
                                  "PKCS11_FAULT_SEED",    "PKCS11_FAULT_LOG",  "PKCS11_FAULT_COUNTERS",
                                  "PKCS11_FAULT_CONTROL", "PKCS11_FAULT_INIT_ARGS"};

[[nodiscard]] std::string environment_now() {
    std::string all;
    for (const char* name : variables) {
        const char* const value = std::getenv(name);
        all += value == nullptr ? "-" : std::string("=") + value;
        all += '\n';
    }
    return all;
}

void watch_forks() {
    static std::once_flag once;
    std::call_once(once, [] {
        ::pthread_atfork([] { past().mutex.lock(); current.load()->hold_for_fork(); },
                         [] { current.load()->release_after_fork(false); past().mutex.unlock(); },
                         [] { current.load()->release_after_fork(true); past().mutex.unlock(); });
    });
}

[[nodiscard]] FunctionList list_of(CK_VERSION version, std::size_t count) {
    FunctionList list{};
    list.version = version;
    const auto& functions = own_functions();
    for (std::size_t i = 0; i < count; ++i) {
        list.functions[place_of(i)] = functions[i];
    }
    list.functions[3] = reinterpret_cast<AnyFunction>(&C_GetFunctionList);
    if (count > functions_2_40) {
        list.functions[functions_2_40 + 1] = reinterpret_cast<AnyFunction>(&get_interface_list);
        list.functions[functions_2_40 + 2] = reinterpret_cast<AnyFunction>(&get_interface);
    }
    return list;
}

/// Every list that a program can be given, for as long as the process lives, as programs keep the addresses. A function
/// that the real module lacks answers CKR_FUNCTION_NOT_SUPPORTED.
struct Lists {
    FunctionList v2_40 = list_of({2, 40}, functions_2_40);
    FunctionList v3_0 = list_of({3, 0}, functions_3_0);
    FunctionList v3_1 = list_of({3, 1}, functions_3_0);
    FunctionList v3_2 = list_of({3, 2}, functions_3_2);
    std::array<char, 8> name = {'P', 'K', 'C', 'S', ' ', '1', '1', 0};
    // The newest first, as it is the default one.
    std::array<Interface, 4> interfaces = {Interface{name.data(), &v3_2, 0}, Interface{name.data(), &v3_1, 0},
                                           Interface{name.data(), &v3_0, 0}, Interface{name.data(), &v2_40, 0}};
};

[[nodiscard]] Lists& lists() {
    static Lists all;
    return all;
}

[[nodiscard]] unsigned number_of(CK_VERSION version) {
    return version.major * 256U + version.minor;
}

/// The interfaces that the real module has, as far as they are its standard ones and no fault hides them.
[[nodiscard]] std::vector<Interface*> offered() {
    // A line may be there before the first call.
    runtime()->look_at_control();
    const auto standing = runtime()->rules.standing();
    const unsigned newest_version =
        newest<OldInterface>(*standing) != nullptr ? number_of({2, 40}) : number_of(runtime()->real.version());
    std::vector<Interface*> offer;
    for (Interface& one : lists().interfaces) {
        const auto version = number_of(static_cast<const FunctionList*>(one.function_list)->version);
        if (version <= newest_version || version == number_of({2, 40})) {
            offer.push_back(&one);
        }
    }
    return offer;
}

/// Sets to false at the end of a scope.
class Reset {
public:
    explicit Reset(bool& flag) : flag_(flag) {}
    ~Reset() { flag_ = false; }
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;

private:
    bool& flag_;
};

/// Makes the runtime that the environment asks for; a message and false when that fails.
[[nodiscard]] bool ready() noexcept {
    try {
        if (runtime() == nullptr || !runtime()->initialised) {
            renew_runtime();
        }
        return true;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pkcs11-fault: error: %s\n", error.what());
        return false;
    }
}

} // namespace

Runtime* runtime() noexcept {
    return current.load(std::memory_order_acquire);
}

void renew_runtime() {
    Past& before = past();
    // The module behind may load this one, which would wait for itself.
    thread_local bool renewing = false;
    if (std::exchange(renewing, true)) {
        throw PlanError("the module behind the fault module loads the fault module; name one that does not");
    }
    const Reset done(renewing);
    const std::lock_guard lock(before.mutex);
    std::string environment = environment_now();
    if (current != nullptr && environment == before.environment) {
        return;
    }
    auto* const made = new Runtime(plan_from_environment()); // NOLINT(cppcoreguidelines-owning-memory)
    // A process that runs a thousand tests must not run out of files.
    if (Runtime* const last = current; last != nullptr && last->log) {
        last->log->close();
    }
    before.runtimes.push_back(made);
    before.environment = std::move(environment);
    current.store(made, std::memory_order_release);
    watch_forks();
}

} // namespace pkcs11_fault

using namespace pkcs11_fault;

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
    if (list == nullptr) {
        return CKR_ARGUMENTS_BAD;
    }
    if (!ready()) {
        return CKR_GENERAL_ERROR;
    }
    *list = reinterpret_cast<CK_FUNCTION_LIST*>(&lists().v2_40);
    return CKR_OK;
}

CK_RV get_interface_list(Interface* interfaces, CK_ULONG* count) {
    if (count == nullptr) {
        return CKR_ARGUMENTS_BAD;
    }
    if (!ready()) {
        return CKR_GENERAL_ERROR;
    }
    const auto offer = offered();
    const CK_ULONG room = *count;
    *count = static_cast<CK_ULONG>(offer.size());
    if (interfaces == nullptr) {
        return CKR_OK;
    }
    if (room < offer.size()) {
        return CKR_BUFFER_TOO_SMALL;
    }
    for (const Interface* one : offer) {
        *interfaces++ = *one;
    }
    return CKR_OK;
}

CK_RV get_interface(CK_UTF8CHAR* name, CK_VERSION* version, Interface** found, CK_FLAGS flags) {
    if (found == nullptr) {
        return CKR_ARGUMENTS_BAD;
    }
    if (!ready()) {
        return CKR_GENERAL_ERROR;
    }
    for (Interface* one : offered()) {
        const auto& has = static_cast<const FunctionList*>(one->function_list)->version;
        const bool named = name == nullptr || std::strcmp(reinterpret_cast<const char*>(name), one->name) == 0;
        const bool versioned = version == nullptr || number_of(*version) == number_of(has);
        if (named && versioned && (flags & ~one->flags) == 0) {
            *found = one;
            return CKR_OK;
        }
    }
    return CKR_FUNCTION_FAILED;
}
