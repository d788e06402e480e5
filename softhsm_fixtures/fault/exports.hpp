// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "real_module.hpp"

#include <p11-kit/pkcs11.h>

// What programs find in the library. The 2.40 flavour of it offers the first only.

#define PKCS11_FAULT_API __attribute__((visibility("default")))

// Newer headers declare the functions of 3.0 with their own CK_INTERFACE, older ones do not know them: those here have
// names of their own, and only the library's symbols have the standard's.
#define PKCS11_FAULT_TEXT(x) #x
#define PKCS11_FAULT_TEXT_OF(x) PKCS11_FAULT_TEXT(x)
#define PKCS11_FAULT_SYMBOL(name) __asm__(PKCS11_FAULT_TEXT_OF(__USER_LABEL_PREFIX__) name)

extern "C" {

/// Reads the plan, loads the real module and hands out functions that stand before it. A plan that cannot be used is
/// told on standard error, and nothing is loaded.
///
/// @spec PKCS#11 3.1 5.4.4
PKCS11_FAULT_API CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list);

/// @spec PKCS#11 3.1 5.4.5
PKCS11_FAULT_API CK_RV get_interface_list(pkcs11_fault::Interface* interfaces, CK_ULONG* count)
    PKCS11_FAULT_SYMBOL("C_GetInterfaceList");

/// @spec PKCS#11 3.1 5.4.6
PKCS11_FAULT_API CK_RV get_interface(CK_UTF8CHAR* name, CK_VERSION* version, pkcs11_fault::Interface** found,
                                     CK_FLAGS flags) PKCS11_FAULT_SYMBOL("C_GetInterface");
}
