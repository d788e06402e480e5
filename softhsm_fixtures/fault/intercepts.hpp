// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "runtime.hpp"

namespace pkcs11_fault {

/// What stands in for the real call. Handles and slots are the real module's here; the gate has been entered.
template <Function F>
struct Intercept {
    template <typename... Arguments>
    static CK_RV call(Runtime& runtime, const Call& /*call*/, Arguments... arguments) {
        return runtime.real.call<F>(arguments...);
    }
};

#define PKCS11_FAULT_INTERCEPT(name, ...)                                                                          \
    template <>                                                                                                    \
    struct Intercept<Function::name> {                                                                             \
        static CK_RV call(Runtime& runtime, const Call& call, __VA_ARGS__);                                        \
    };

PKCS11_FAULT_INTERCEPT(C_Initialize, void* arguments)
PKCS11_FAULT_INTERCEPT(C_Finalize, void* reserved)
PKCS11_FAULT_INTERCEPT(C_GetSlotList, CK_BBOOL present, CK_SLOT_ID* slots, CK_ULONG* count)
PKCS11_FAULT_INTERCEPT(C_GetSlotInfo, CK_SLOT_ID slot, CK_SLOT_INFO* info)
PKCS11_FAULT_INTERCEPT(C_GetTokenInfo, CK_SLOT_ID slot, CK_TOKEN_INFO* info)
PKCS11_FAULT_INTERCEPT(C_InitToken, CK_SLOT_ID slot, CK_UTF8CHAR* pin, CK_ULONG size, CK_UTF8CHAR* label)
PKCS11_FAULT_INTERCEPT(C_GetMechanismList, CK_SLOT_ID slot, CK_MECHANISM_TYPE* list, CK_ULONG* count)
PKCS11_FAULT_INTERCEPT(C_GetMechanismInfo, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info)
PKCS11_FAULT_INTERCEPT(C_WaitForSlotEvent, CK_FLAGS flags, CK_SLOT_ID* slot, void* reserved)
PKCS11_FAULT_INTERCEPT(C_OpenSession, CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                       CK_SESSION_HANDLE* session)
PKCS11_FAULT_INTERCEPT(C_CloseSession, CK_SESSION_HANDLE session)
PKCS11_FAULT_INTERCEPT(C_CloseAllSessions, CK_SLOT_ID slot)
PKCS11_FAULT_INTERCEPT(C_GetSessionInfo, CK_SESSION_HANDLE session, CK_SESSION_INFO* info)
PKCS11_FAULT_INTERCEPT(C_Login, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size)
PKCS11_FAULT_INTERCEPT(C_LoginUser, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size,
                       CK_UTF8CHAR* name, CK_ULONG name_size)
PKCS11_FAULT_INTERCEPT(C_SetPIN, CK_SESSION_HANDLE session, CK_UTF8CHAR* old_pin, CK_ULONG old_size,
                       CK_UTF8CHAR* new_pin, CK_ULONG new_size)
PKCS11_FAULT_INTERCEPT(C_InitPIN, CK_SESSION_HANDLE session, CK_UTF8CHAR* pin, CK_ULONG size)
PKCS11_FAULT_INTERCEPT(C_GetAttributeValue, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                       CK_ATTRIBUTE* attributes, CK_ULONG count)
PKCS11_FAULT_INTERCEPT(C_CreateObject, CK_SESSION_HANDLE session, CK_ATTRIBUTE* attributes, CK_ULONG count,
                       CK_OBJECT_HANDLE* object)
PKCS11_FAULT_INTERCEPT(C_FindObjectsInit, CK_SESSION_HANDLE session, CK_ATTRIBUTE* attributes, CK_ULONG count)
PKCS11_FAULT_INTERCEPT(C_FindObjects, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE* objects, CK_ULONG most,
                       CK_ULONG* count)

#undef PKCS11_FAULT_INTERCEPT

} // namespace pkcs11_fault
