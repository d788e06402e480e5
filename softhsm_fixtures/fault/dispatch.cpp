// SPDX-License-Identifier: BSD-2-Clause
// The way of a call through the module, written once for all functions.
#include "dispatch.hpp"

#include "intercepts.hpp"
#include "runtime.hpp"

#include <chrono>
#include <cstdio>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pkcs11_fault {

namespace {

[[nodiscard]] constexpr bool takes_data(Function function) {
    switch (function) {
    case Function::C_Encrypt:
    case Function::C_EncryptUpdate:
    case Function::C_Decrypt:
    case Function::C_DecryptUpdate:
    case Function::C_Digest:
    case Function::C_DigestUpdate:
    case Function::C_Sign:
    case Function::C_SignUpdate:
    case Function::C_SignRecover:
    case Function::C_Verify:
    case Function::C_VerifyUpdate: return true;
    default: return false;
    }
}

[[nodiscard]] constexpr bool gives_signature(Function function) {
    return function == Function::C_Sign || function == Function::C_SignFinal ||
           function == Function::C_SignMessage || function == Function::C_SignMessageNext;
}

[[nodiscard]] constexpr bool logs_in(Function function) {
    return function == Function::C_Login || function == Function::C_LoginUser;
}

/// What a stale handle is called, which depends on what it was to be used for.
[[nodiscard]] constexpr CK_RV stale_answer(Function function, std::size_t nth) {
    switch (function) {
    case Function::C_CopyObject:
    case Function::C_DestroyObject:
    case Function::C_GetObjectSize:
    case Function::C_GetAttributeValue:
    case Function::C_SetAttributeValue: return CKR_OBJECT_HANDLE_INVALID;
    case Function::C_WrapKey:
    case Function::C_WrapKeyAuthenticated:
        return nth == 0 ? CKR_WRAPPING_KEY_HANDLE_INVALID : CKR_KEY_HANDLE_INVALID;
    case Function::C_UnwrapKey:
    case Function::C_UnwrapKeyAuthenticated: return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
    default: return CKR_KEY_HANDLE_INVALID;
    }
}

[[nodiscard]] bool is_true(const CK_ATTRIBUTE& attribute) {
    return attribute.pValue != nullptr && attribute.ulValueLen == sizeof(CK_BBOOL) &&
           *static_cast<const CK_BBOOL*>(attribute.pValue) != CK_FALSE;
}

[[nodiscard]] bool makes_token_object(const CK_ATTRIBUTE* attributes, CK_ULONG count) {
    for (CK_ULONG i = 0; attributes != nullptr && i < count; ++i) {
        if (attributes[i].type == CKA_TOKEN && is_true(attributes[i])) {
            return true;
        }
    }
    return false;
}

/// One function of PKCS#11 as programs call it.
template <Function F, typename Signature>
struct Entry;

template <Function F, typename... Arguments>
struct Entry<F, CK_RV(Arguments...)> {
    static constexpr std::string_view roles = function_roles[index_of(F)];
    static_assert(roles.size() == sizeof...(Arguments), "a role for each parameter");
    using Values = std::tuple<Arguments...>;
    static constexpr auto positions = std::index_sequence_for<Arguments...>{};

    static CK_RV call(Arguments... arguments) {
        if constexpr (F == Function::C_Initialize) {
            if (const CK_RV value = renew(); value != CKR_OK) {
                return value;
            }
        }
        Runtime& now = *runtime();
        Counter& counter = now.counters.of(F);
        counter.calls.fetch_add(1, std::memory_order_relaxed);
        CK_RV value = CKR_FUNCTION_NOT_SUPPORTED;
        if (now.real.function(F) != nullptr) {
            value = now.watches() ? watched(now, counter, Values(arguments...)) : plain(now, arguments...);
        }
        if (value != CKR_OK) {
            counter.failed.fetch_add(1, std::memory_order_relaxed);
        }
        return value;
    }

private:
    /// A new test may have set other variables; the process may initialise the module once more.
    static CK_RV renew() {
        if (runtime()->initialised && !runtime()->forked) {
            return CKR_OK;
        }
        try {
            renew_runtime();
            return CKR_OK;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "pkcs11-fault: error: %s\n", error.what());
            return CKR_ARGUMENTS_BAD;
        }
    }

    static CK_RV plain(Runtime& now, Arguments... arguments) {
        const CK_RV value = now.real.template call<F>(arguments...);
        if constexpr (F == Function::C_Initialize || F == Function::C_Finalize) {
            if (value == CKR_OK) {
                now.initialised = F == Function::C_Initialize;
                now.forked = false;
            }
        }
        return value;
    }

    static CK_RV watched(Runtime& now, Counter& counter, Values values) {
        const auto start = std::chrono::steady_clock::now();
        Call call{.function = F};
        describe(now, call, values, positions);
        const std::optional<CK_OBJECT_HANDLE> object = call.object;
        CK_RV value = CKR_OK;
        try {
            value = pass(now, call, values);
        } catch (...) {
            // Nothing but memory can be short here, and no exception may reach a program in C.
            value = CKR_HOST_MEMORY;
        }
        if (!call.fired.empty()) {
            counter.injected.fetch_add(1, std::memory_order_relaxed);
        }
        if (now.log) {
            LoggedCall line{.function = F, .session = call.session, .slot = call.slot, .mechanism = call.mechanism,
                            .object = object, .value = value, .took = std::chrono::steady_clock::now() - start,
                            .faults = {}};
            for (const FiredFault& fault : call.fired) {
                line.faults.push_back(fault.name);
            }
            now.log->write(line);
        }
        return value;
    }

    static CK_RV pass(Runtime& now, Call& call, Values& values) {
        if (const auto answer = now.before(call)) {
            return *answer;
        }
        CK_RV value = translate(now, call, values, positions);
        if (value == CKR_OK) {
            value = call_real(now, call, values);
            if (value == CKR_OK) {
                finish(now, call, values, positions);
            }
        }
        return now.after(call, value);
    }

    static CK_RV call_real(Runtime& now, const Call& call, const Values& values) {
        const Gate::Visit visit(now.gate);
        return std::apply([&](auto... all) { return Intercept<F>::call(now, call, all...); }, values);
    }

    template <std::size_t... I>
    static void describe(Runtime& now, Call& call, const Values& values, std::index_sequence<I...> /*all*/) {
        (describe_one<I>(now, call, values), ...);
        if constexpr (takes_data(F)) {
            call.data_size = std::get<2>(values);
        }
        if constexpr (gives_signature(F)) {
            call.asks_for_size = std::get<sizeof...(Arguments) - 2>(values) == nullptr;
        }
        if constexpr (logs_in(F)) {
            call.pin_owner = std::get<1>(values) == CKU_SO ? PinOwner::security_officer : PinOwner::user;
        }
    }

    template <std::size_t I>
    static void describe_one(Runtime& now, Call& call, const Values& values) {
        const auto& value = std::get<I>(values);
        if constexpr (roles[I] == 's') {
            call.session = value;
        } else if constexpr (roles[I] == 'l') {
            call.slot = now.devices.real(value);
        } else if constexpr (roles[I] == 'm') {
            call.mechanism = value == nullptr ? std::nullopt : std::optional(value->mechanism);
        } else if constexpr (roles[I] == 'o') {
            call.object = call.object.value_or(value);
        } else if constexpr (std::is_same_v<std::decay_t<decltype(value)>, CK_ATTRIBUTE*> &&
                             roles.find('p') != std::string_view::npos) {
            call.makes_token_object |= makes_token_object(value, std::get<I + 1>(values));
        }
    }

    template <std::size_t... I>
    static CK_RV translate(Runtime& now, Call& call, Values& values, std::index_sequence<I...> /*all*/) {
        CK_RV value = CKR_OK;
        static_cast<void>(((value == CKR_OK ? value = translate_one<I>(now, call, values) : value), ...));
        return value;
    }

    template <std::size_t I>
    static CK_RV translate_one(Runtime& now, Call& call, Values& values) {
        if constexpr (roles[I] == 'l') {
            // Again, as a fault may have given slots other numbers meanwhile.
            call.slot = now.devices.real(std::get<I>(values));
            std::get<I>(values) = *call.slot;
        } else if constexpr (roles[I] == 'o') {
            constexpr auto earlier = roles.substr(0, I);
            constexpr std::size_t nth = earlier.find('o') == std::string_view::npos ? 0 : 1;
            // C_SetOperationState takes 0 for no key.
            if (F == Function::C_SetOperationState && std::get<I>(values) == 0) {
                return CKR_OK;
            }
            const auto real = now.objects.real(std::get<I>(values));
            if (!real) {
                return stale_answer(F, nth);
            }
            std::get<I>(values) = real->used;
            if (nth == 0) {
                call.real_object = real;
            }
        }
        return CKR_OK;
    }

    template <std::size_t... I>
    static void finish(Runtime& now, const Call& call, Values& values, std::index_sequence<I...> /*all*/) {
        (finish_one<I>(now, values), ...);
        if constexpr (gives_signature(F)) {
            constexpr std::size_t last = sizeof...(Arguments) - 1;
            change_signature(call, std::get<last - 1>(values), std::get<last>(values));
        }
    }

    template <std::size_t I>
    static void finish_one(Runtime& now, Values& values) {
        if constexpr (roles[I] == 'p') {
            if (std::get<I>(values) != nullptr) {
                *std::get<I>(values) = now.objects.seen(*std::get<I>(values));
            }
        }
    }

    static void change_signature(const Call& call, CK_BYTE* signature, CK_ULONG* size) {
        if (signature == nullptr || size == nullptr || *size == 0) {
            return;
        }
        for (const FiredFault& fault : call.fired) {
            if (std::holds_alternative<CorruptSignature>(fault.what)) {
                signature[*size / 2] ^= 1;
            } else if (const auto* wrong = std::get_if<WrongLengthSignature>(&fault.what)) {
                const auto wanted = static_cast<long>(*size) - wrong->bytes;
                *size = static_cast<CK_ULONG>(std::max(wanted, 0L));
            }
        }
    }
};

} // namespace

const std::array<AnyFunction, function_count>& own_functions() noexcept {
    static const std::array<AnyFunction, function_count> functions = {
#define FUNCTION(name, roles, parameters)                                                                          \
    reinterpret_cast<AnyFunction>(&Entry<Function::name, CK_RV parameters>::call),
#include "functions.inc"
#undef FUNCTION
    };
    return functions;
}

} // namespace pkcs11_fault
