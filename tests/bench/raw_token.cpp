// SPDX-License-Identifier: BSD-2-Clause
#include <bench/raw_token.hpp>

#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace keyway::bench {

void require_ok(CK_RV result, std::string_view call) {
    if(result != CKR_OK) {
        std::array<char, 24> number{};
        std::snprintf(number.data(), number.size(), "0x%lx", result);
        throw std::runtime_error(std::string(call) + " returned " + number.data());
    }
}

RawToken::RawToken(const Place& place) : place_(place) {
    void* const library = dlopen(place.module.c_str(), RTLD_NOW | RTLD_LOCAL);
    if(library == nullptr) {
        throw std::runtime_error(dlerror());
    }
    const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
    if(get_list == nullptr) {
        throw std::runtime_error(place.module + " is no PKCS#11 module");
    }
    require_ok(get_list(&calls_), "C_GetFunctionList");
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    const auto result = calls_->C_Initialize(&arguments);
    // Keyway may have been first.
    if(result != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        require_ok(result, "C_Initialize");
    }
    std::vector<CK_SLOT_ID> slots(100);
    CK_ULONG count = slots.size();
    require_ok(calls_->C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList");
    slots.resize(count);
    auto padded = place.token_label;
    padded.resize(32, ' ');
    for(const auto slot : slots) {
        CK_TOKEN_INFO info{};
        require_ok(calls_->C_GetTokenInfo(slot, &info), "C_GetTokenInfo");
        if(padded == std::string(std::begin(info.label), std::end(info.label))) {
            slot_ = slot;
            return;
        }
    }
    throw std::runtime_error("there is no token \"" + place.token_label + "\"");
}

CK_SESSION_HANDLE RawToken::open_session() const {
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    require_ok(calls_->C_OpenSession(slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &session), "C_OpenSession");
    return session;
}

void RawToken::log_in(CK_SESSION_HANDLE session) const {
    auto pin = place_.pin;
    const auto result =
        calls_->C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size());
    if(result != CKR_USER_ALREADY_LOGGED_IN) {
        require_ok(result, "C_Login");
    }
}

CK_OBJECT_HANDLE RawToken::find_private_key(CK_SESSION_HANDLE session, std::string_view label) const {
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    std::string text(label);
    std::array wanted{CK_ATTRIBUTE{CKA_CLASS, &object_class, sizeof(object_class)},
                      CK_ATTRIBUTE{CKA_LABEL, text.data(), text.size()}};
    require_ok(calls_->C_FindObjectsInit(session, wanted.data(), wanted.size()), "C_FindObjectsInit");
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_ULONG count = 0;
    require_ok(calls_->C_FindObjects(session, &object, 1, &count), "C_FindObjects");
    require_ok(calls_->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if(count == 0) {
        throw std::runtime_error("there is no private key \"" + text + "\" in the token");
    }
    return object;
}

}  // namespace keyway::bench
