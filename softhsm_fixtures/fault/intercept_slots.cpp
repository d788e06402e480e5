// SPDX-License-Identifier: BSD-2-Clause
// Slots, tokens, mechanisms and the module as a whole.
#include "intercepts.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace pkcs11_fault {

namespace {

/// How often a program that waits for a slot event is looked after.
constexpr auto event_interval = std::chrono::milliseconds(2);

/// Gives a list as PKCS#11 does: its length when there is no buffer, and an error when the buffer is too short.
///
/// @spec PKCS#11 3.1 5.2
template <typename Item>
[[nodiscard]] CK_RV give_list(const std::vector<Item>& items, Item* buffer, CK_ULONG* count) {
    const auto size = static_cast<CK_ULONG>(items.size());
    const bool fits = buffer == nullptr || *count >= size;
    *count = size;
    if (!fits) {
        return CKR_BUFFER_TOO_SMALL;
    }
    if (buffer != nullptr) {
        std::copy(items.begin(), items.end(), buffer);
    }
    return CKR_OK;
}

/// What NSS softokn wants, and what p11-kit hands on in x-init-reserved: a string where the standard has a reserved
/// pointer. NSS has that pointer behind it.
struct InitialiseArguments {
    CK_C_INITIALIZE_ARGS standard{};
    void* behind = nullptr;
};

struct PinFlags {
    CK_FLAGS count_low;
    CK_FLAGS final_try;
    CK_FLAGS locked;
};

[[nodiscard]] PinFlags pin_flags_of(PinOwner owner) {
    if (owner == PinOwner::user) {
        return {CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED};
    }
    return {CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED};
}

/// What the module behind says of the PIN is of no account any more.
void forget_pin_flags(CK_TOKEN_INFO& info, const PinFlags& flags) {
    info.flags &= ~(flags.count_low | flags.final_try | flags.locked);
}

void set_pin_flags(CK_TOKEN_INFO& info, const PinState& fault) {
    const PinFlags flags = pin_flags_of(fault.owner);
    forget_pin_flags(info, flags);
    switch (fault.state) {
    case PinState::State::count_low: info.flags |= flags.count_low; break;
    case PinState::State::final_try: info.flags |= flags.final_try; break;
    case PinState::State::locked: info.flags |= flags.locked; break;
    }
}

void count_pin_flags(CK_TOKEN_INFO& info, const PinTries& tries, std::uint64_t failures) {
    const PinFlags flags = pin_flags_of(tries.owner);
    forget_pin_flags(info, flags);
    if (failures >= tries.tries) {
        info.flags |= flags.locked;
        return;
    }
    info.flags |= failures != 0 ? flags.count_low : 0;
    info.flags |= failures + 1 == tries.tries ? flags.final_try : 0;
}

} // namespace

CK_RV Intercept<Function::C_Initialize>::call(Runtime& runtime, const Call& call, void* arguments) {
    if (const auto* refusal = call.newest_fault<SecondInitializeRefused>();
        refusal != nullptr && runtime.was_finalised && !runtime.initialised) {
        return refusal->value;
    }
    InitialiseArguments handed;
    if (arguments != nullptr) {
        handed.standard = *static_cast<CK_C_INITIALIZE_ARGS*>(arguments);
    }
    if (runtime.plan.init_arguments) {
        handed.standard.pReserved = runtime.plan.init_arguments->data();
        if (arguments == nullptr) {
            // Nobody said that threads are not to be feared.
            handed.standard.flags = CKF_OS_LOCKING_OK;
        }
        arguments = &handed;
    }
    const CK_RV value = runtime.real.call<Function::C_Initialize>(arguments);
    if (value == CKR_OK) {
        runtime.forget_handles();
    }
    // Somebody else in the process may have done it, or, for a child, its parent.
    if (value == CKR_OK || value == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        runtime.initialised = true;
        runtime.forked = false;
    }
    return value;
}

CK_RV Intercept<Function::C_Finalize>::call(Runtime& runtime, const Call& /*call*/, void* reserved) {
    const CK_RV value = runtime.real.call<Function::C_Finalize>(reserved);
    if (value == CKR_OK) {
        runtime.forget_handles();
        runtime.initialised = false;
        runtime.was_finalised = true;
    }
    return value;
}

CK_RV Intercept<Function::C_GetSlotList>::call(Runtime& runtime, const Call& /*call*/, CK_BBOOL present,
                                               CK_SLOT_ID* slots, CK_ULONG* count) {
    if (count == nullptr) {
        return CKR_ARGUMENTS_BAD;
    }
    // Always asked for both, as a token may go between the two calls of a program.
    CK_ULONG all = 0;
    CK_SLOT_ID* none = nullptr;
    if (const CK_RV value = runtime.real.call<Function::C_GetSlotList>(present, none, &all); value != CKR_OK) {
        return value;
    }
    std::vector<CK_SLOT_ID> list(all);
    if (const CK_RV value = runtime.real.call<Function::C_GetSlotList>(present, list.data(), &all);
        value != CKR_OK) {
        return value;
    }
    list.resize(all);
    if (present != CK_FALSE) {
        std::erase_if(list, [&](CK_SLOT_ID slot) { return runtime.devices.is_away(slot); });
    }
    for (CK_SLOT_ID& slot : list) {
        slot = runtime.devices.seen(slot);
    }
    return give_list(list, slots, count);
}

CK_RV Intercept<Function::C_GetSlotInfo>::call(Runtime& runtime, const Call& /*call*/, CK_SLOT_ID slot,
                                               CK_SLOT_INFO* info) {
    const CK_RV value = runtime.real.call<Function::C_GetSlotInfo>(slot, info);
    if (value == CKR_OK && runtime.devices.is_away(slot)) {
        info->flags &= ~static_cast<CK_FLAGS>(CKF_TOKEN_PRESENT);
    }
    return value;
}

CK_RV Intercept<Function::C_GetTokenInfo>::call(Runtime& runtime, const Call& call, CK_SLOT_ID slot,
                                                CK_TOKEN_INFO* info) {
    const CK_RV value = runtime.real.call<Function::C_GetTokenInfo>(slot, info);
    if (value != CKR_OK) {
        return value;
    }
    for (const StandingFault& fault : *call.standing) {
        if (const auto* state = std::get_if<PinState>(&fault)) {
            set_pin_flags(*info, *state);
        } else if (const auto* tries = std::get_if<PinTries>(&fault)) {
            count_pin_flags(*info, *tries, runtime.pins.failures(slot, tries->owner));
        } else if (std::holds_alternative<PinPad>(fault)) {
            info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
        } else if (std::holds_alternative<ReadOnlyToken>(fault)) {
            info->flags |= CKF_WRITE_PROTECTED;
        } else if (const auto* cap = std::get_if<SessionCap>(&fault); cap != nullptr && cap->announced) {
            info->ulMaxSessionCount = static_cast<CK_ULONG>(cap->sessions);
            info->ulMaxRwSessionCount = static_cast<CK_ULONG>(cap->sessions);
            info->ulSessionCount = static_cast<CK_ULONG>(runtime.sessions.count(slot));
        }
    }
    return value;
}

CK_RV Intercept<Function::C_InitToken>::call(Runtime& runtime, const Call& /*call*/, CK_SLOT_ID slot, CK_UTF8CHAR* pin,
                                             CK_ULONG size, CK_UTF8CHAR* label) {
    const CK_RV value = runtime.real.call<Function::C_InitToken>(slot, pin, size, label);
    if (value == CKR_OK) {
        // A new token with new PINs.
        runtime.pins.succeeded(slot, PinOwner::user);
        runtime.pins.succeeded(slot, PinOwner::security_officer);
    }
    return value;
}

CK_RV Intercept<Function::C_GetMechanismList>::call(Runtime& runtime, const Call& call, CK_SLOT_ID slot,
                                                    CK_MECHANISM_TYPE* list, CK_ULONG* count) {
    if (call.newest_fault<MechanismsHidden>() == nullptr || count == nullptr) {
        return runtime.real.call<Function::C_GetMechanismList>(slot, list, count);
    }
    CK_ULONG all = 0;
    CK_MECHANISM_TYPE* none = nullptr;
    if (const CK_RV value = runtime.real.call<Function::C_GetMechanismList>(slot, none, &all); value != CKR_OK) {
        return value;
    }
    std::vector<CK_MECHANISM_TYPE> mechanisms(all);
    if (const CK_RV value = runtime.real.call<Function::C_GetMechanismList>(slot, mechanisms.data(), &all);
        value != CKR_OK) {
        return value;
    }
    mechanisms.resize(all);
    std::erase_if(mechanisms, [&](CK_MECHANISM_TYPE type) { return is_hidden(*call.standing, type); });
    return give_list(mechanisms, list, count);
}

CK_RV Intercept<Function::C_GetMechanismInfo>::call(Runtime& runtime, const Call& call, CK_SLOT_ID slot,
                                                    CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
    if (is_hidden(*call.standing, type)) {
        return CKR_MECHANISM_INVALID;
    }
    return runtime.real.call<Function::C_GetMechanismInfo>(slot, type, info);
}

CK_RV Intercept<Function::C_WaitForSlotEvent>::call(Runtime& runtime, const Call& /*call*/, CK_FLAGS flags,
                                                    CK_SLOT_ID* slot, void* reserved) {
    if (slot == nullptr) {
        return CKR_ARGUMENTS_BAD;
    }
    while (runtime.initialised) {
        if (const auto event = runtime.devices.next_event()) {
            *slot = runtime.devices.seen(*event);
            return CKR_OK;
        }
        const CK_FLAGS at_once = flags | CKF_DONT_BLOCK;
        const CK_RV value = runtime.real.call<Function::C_WaitForSlotEvent>(at_once, slot, reserved);
        if (value == CKR_OK) {
            *slot = runtime.devices.seen(*slot);
        }
        // SoftHSM's tokens never come or go; those of this module do, when something may ask for it.
        if (value == CKR_FUNCTION_NOT_SUPPORTED && !runtime.control.used() && runtime.plan.faults.empty()) {
            return value;
        }
        if (value != CKR_NO_EVENT && value != CKR_FUNCTION_NOT_SUPPORTED) {
            return value;
        }
        if ((flags & CKF_DONT_BLOCK) != 0) {
            return CKR_NO_EVENT;
        }
        // Whoever waits is not in the way of others.
        runtime.gate.leave();
        std::this_thread::sleep_for(event_interval);
        runtime.look_at_control();
        runtime.gate.enter();
    }
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

} // namespace pkcs11_fault
