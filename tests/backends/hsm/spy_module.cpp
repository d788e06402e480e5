// SPDX-License-Identifier: BSD-2-Clause
// A PKCS#11 module in front of the one that KEYWAY_SPY_MODULE names: it counts, and fails when it is told to.
#include <backends/hsm/spy_module.hpp>

#include <p11-kit/pkcs11.h>

#include <cstdlib>
#include <dlfcn.h>

using keyway::test::Spy;

namespace {

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST ours;
Spy steering;

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size) {
    ++steering.logins;
    const auto forced = steering.login_result.load();
    return forced != Spy::ok ? forced : real->C_Login(session, user, pin, size);
}

CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
    const auto result = real->C_GetTokenInfo(slot, info);
    if(result == CKR_OK) {
        info->flags |= steering.extra_token_flags.load();
        if(const auto most = steering.most_sessions.load(); most != 0) {
            info->ulMaxSessionCount = most;
        }
    }
    return result;
}

CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE* attributes, CK_ULONG count, CK_OBJECT_HANDLE* object) {
    if(steering.creations_until_failure > 0 && --steering.creations_until_failure == 0) {
        return steering.creation_result;
    }
    return real->C_CreateObject(session, attributes, count, object);
}

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG size, CK_BYTE* signature, CK_ULONG* signature_size) {
    ++steering.signatures;
    if(steering.failing_signatures > 0) {
        --steering.failing_signatures;
        return steering.signature_result;
    }
    const auto result = real->C_Sign(session, data, size, signature, signature_size);
    if(result == CKR_OK && signature != nullptr && steering.corrupt_signatures) {
        signature[*signature_size - 1] ^= 1;
    }
    if(result == CKR_OK && steering.short_signatures) {
        --*signature_size;
    }
    return result;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) Spy* keyway_spy() {
    return &steering;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
    if(real == nullptr) {
        const char* const path = std::getenv("KEYWAY_SPY_MODULE");
        void* const library = path == nullptr ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if(library == nullptr) {
            return CKR_GENERAL_ERROR;
        }
        const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
        if(get == nullptr || get(&real) != CKR_OK) {
            return CKR_GENERAL_ERROR;
        }
        ours = *real;
        ours.C_GetFunctionList = C_GetFunctionList;
        ours.C_Login = login;
        ours.C_GetTokenInfo = get_token_info;
        ours.C_CreateObject = create_object;
        ours.C_Sign = sign;
    }
    *list = &ours;
    return CKR_OK;
}
}
