// SPDX-License-Identifier: BSD-2-Clause
//
// loader MODULE: loads a PKCS#11 module, initialises and finalises it. Exits with the first CK_RV that is not CKR_OK.

#include <p11-kit/pkcs11.h>

#include <dlfcn.h>

int main(int, char** arguments) {
    void* const library = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        return 99;
    }
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    CK_FUNCTION_LIST* p11 = nullptr;
    if (const CK_RV value = get(&p11); value != CKR_OK) {
        return static_cast<int>(value);
    }
    if (const CK_RV value = p11->C_Initialize(nullptr); value != CKR_OK) {
        return static_cast<int>(value);
    }
    CK_INFO info{};
    if (const CK_RV value = p11->C_GetInfo(&info); value != CKR_OK) {
        return static_cast<int>(value);
    }
    return static_cast<int>(p11->C_Finalize(nullptr));
}
