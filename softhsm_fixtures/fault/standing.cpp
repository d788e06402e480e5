// SPDX-License-Identifier: BSD-2-Clause
// What the faults that stand answer, and how an operation ends that a fault has cut off.
#include "runtime.hpp"

#include <algorithm>
#include <array>

namespace pkcs11_fault {

namespace {

[[nodiscard]] bool changes_pins(Function function) {
    return function == Function::C_InitToken || function == Function::C_InitPIN || function == Function::C_SetPIN;
}

[[nodiscard]] bool changes_objects(Function function) {
    return function == Function::C_DestroyObject || function == Function::C_SetAttributeValue;
}

/// The functions with which an operation goes on and ends.
struct Operation {
    Function single;
    Function final;
    std::array<Function, 3> members;
};

constexpr std::array operations = {
    Operation{Function::C_Sign, Function::C_SignFinal,
              {Function::C_Sign, Function::C_SignUpdate, Function::C_SignFinal}},
    Operation{Function::C_Encrypt, Function::C_EncryptFinal,
              {Function::C_Encrypt, Function::C_EncryptUpdate, Function::C_EncryptFinal}},
    Operation{Function::C_Decrypt, Function::C_DecryptFinal,
              {Function::C_Decrypt, Function::C_DecryptUpdate, Function::C_DecryptFinal}},
    Operation{Function::C_Digest, Function::C_DigestFinal,
              {Function::C_Digest, Function::C_DigestUpdate, Function::C_DigestFinal}},
    Operation{Function::C_Verify, Function::C_VerifyFinal,
              {Function::C_Verify, Function::C_VerifyUpdate, Function::C_VerifyFinal}},
};

[[nodiscard]] bool is_too_long(const Call& call) {
    return call.data_size && std::any_of(call.standing->begin(), call.standing->end(), [&](const StandingFault& fault) {
        const auto* limit = std::get_if<DataLimit>(&fault);
        return limit != nullptr && limit->functions.test(index_of(call.function)) && *call.data_size > limit->bytes;
    });
}

// Longer than anything that tokens sign or decrypt at once with the byte that they are given here.
constexpr std::size_t scratch_size = 65536;

} // namespace

bool is_hidden(const StandingFaults& faults, CK_MECHANISM_TYPE type) {
    return std::any_of(faults.begin(), faults.end(), [&](const StandingFault& fault) {
        const auto* hidden = std::get_if<MechanismsHidden>(&fault);
        if (hidden == nullptr) {
            return false;
        }
        const auto& list = hidden->mechanisms;
        return (std::find(list.begin(), list.end(), type) != list.end()) != hidden->only;
    });
}

std::optional<CK_RV> Runtime::standing_answer(const Call& call) {
    if (call.mechanism && is_hidden(*call.standing, *call.mechanism)) {
        return CKR_MECHANISM_INVALID;
    }
    if (is_too_long(call)) {
        end_operation(call);
        return CKR_DATA_LEN_RANGE;
    }
    if (call.newest_fault<ReadOnlyToken>() != nullptr &&
        (call.makes_token_object || changes_pins(call.function) || changes_objects(call.function))) {
        return CKR_TOKEN_WRITE_PROTECTED;
    }
    if (call.pin_owner && is_locked(call, *call.pin_owner)) {
        return CKR_PIN_LOCKED;
    }
    return std::nullopt;
}

bool Runtime::is_locked(const Call& call, PinOwner owner) const {
    return std::any_of(call.standing->begin(), call.standing->end(), [&](const StandingFault& fault) {
        const auto* state = std::get_if<PinState>(&fault);
        const auto* tries = std::get_if<PinTries>(&fault);
        return (state != nullptr && state->owner == owner && state->state == PinState::State::locked) ||
               (tries != nullptr && tries->owner == owner && call.slot &&
                pins.failures(*call.slot, owner) >= tries->tries);
    });
}

void Runtime::end_operation(const Call& call) {
    const auto operation = std::find_if(operations.begin(), operations.end(), [&](const Operation& one) {
        return std::find(one.members.begin(), one.members.end(), call.function) != one.members.end();
    });
    if (operation == operations.end() || !call.session) {
        return;
    }
    // PKCS#11 2.40 has no call for it. Whatever is answered, a single-part call ends a single-part operation and a final
    // one ends the other kind.
    std::vector<CK_BYTE> scratch(scratch_size);
    std::array<CK_BYTE, 1> data{};
    CK_ULONG size = scratch.size();
    gate.enter();
    if (operation->single == Function::C_Verify) {
        real.call<Function::C_Verify>(*call.session, data.data(), CK_ULONG{1}, data.data(), CK_ULONG{1});
        real.call<Function::C_VerifyFinal>(*call.session, data.data(), CK_ULONG{1});
    } else {
        using Single = CK_RV (*)(CK_SESSION_HANDLE, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*);
        using Final = CK_RV (*)(CK_SESSION_HANDLE, CK_BYTE*, CK_ULONG*);
        reinterpret_cast<Single>(real.function(operation->single))(*call.session, data.data(), 1, scratch.data(), &size);
        size = scratch.size();
        reinterpret_cast<Final>(real.function(operation->final))(*call.session, scratch.data(), &size);
    }
    gate.leave();
    std::fill(scratch.begin(), scratch.end(), CK_BYTE{0});
}

} // namespace pkcs11_fault
