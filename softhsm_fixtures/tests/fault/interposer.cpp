// SPDX-License-Identifier: BSD-2-Clause
//
// interposer MODULE: as loader, but with a function of its own that has the name of the module's, as in programs that are
// linked with another module. Exits with 98 when the module's list has that one.

#include <p11-kit/pkcs11.h>

#include <dlfcn.h>

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** /*list*/) {
    return CKR_FUNCTION_FAILED;
}

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
    return p11->C_GetFunctionList == get ? 0 : 98;
}
