// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "dispatch.hpp"
#include "exports.hpp"
#include "runtime.hpp"

namespace pkcs11_fault {

/// What a function does that a program has looked up by its name: the same as the one in the function list.
template <Function F, typename... Arguments>
[[nodiscard]] CK_RV exported_call(Arguments... arguments) noexcept {
    if (runtime() == nullptr) {
        // Such a program need not have asked for the list, which is what the plan is read at.
        CK_FUNCTION_LIST* list = nullptr;
        if (const CK_RV value = C_GetFunctionList(&list); value != CKR_OK) {
            return value;
        }
    }
    return reinterpret_cast<CK_RV (*)(Arguments...)>(own_functions()[index_of(F)])(arguments...);
}

} // namespace pkcs11_fault
