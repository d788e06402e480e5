// SPDX-License-Identifier: BSD-2-Clause
// The code under test.
#pragma once

#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <dlfcn.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

class Pkcs11Module {
public:
    explicit Pkcs11Module(const char* path) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        void* symbol = library_ != nullptr ? dlsym(library_, "C_GetFunctionList") : nullptr;
        if (symbol == nullptr) {
            throw std::runtime_error(std::string("cannot load ") + path);
        }
        check("C_GetFunctionList", reinterpret_cast<CK_C_GetFunctionList>(symbol)(&p11_));
        CK_C_INITIALIZE_ARGS locking{};
        locking.flags = CKF_OS_LOCKING_OK;
        check("C_Initialize", p11_->C_Initialize(&locking));
    }
    ~Pkcs11Module() { p11_->C_Finalize(nullptr); }
    Pkcs11Module(const Pkcs11Module&) = delete;
    Pkcs11Module& operator=(const Pkcs11Module&) = delete;

    std::vector<std::string> key_labels(const std::string& token, std::string pin) {
        CK_SESSION_HANDLE session = 0;
        check("C_OpenSession", p11_->C_OpenSession(slot_of(token), CKF_SERIAL_SESSION, nullptr, nullptr, &session));
        check("C_Login", p11_->C_Login(session, CKU_USER, reinterpret_cast<unsigned char*>(pin.data()), pin.size()));
        CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
        CK_ATTRIBUTE wanted{CKA_CLASS, &kind, sizeof kind};
        check("C_FindObjectsInit", p11_->C_FindObjectsInit(session, &wanted, 1));
        std::vector<std::string> labels;
        for (;;) {
            CK_OBJECT_HANDLE object = 0;
            CK_ULONG count = 0;
            check("C_FindObjects", p11_->C_FindObjects(session, &object, 1, &count));
            if (count == 0) {
                break;
            }
            char text[256];
            CK_ATTRIBUTE label{CKA_LABEL, text, sizeof text};
            check("C_GetAttributeValue", p11_->C_GetAttributeValue(session, object, &label, 1));
            labels.emplace_back(text, label.ulValueLen);
        }
        check("C_CloseSession", p11_->C_CloseSession(session));
        return labels;
    }

private:
    static void check(const char* function, CK_RV rv) {
        if (rv != CKR_OK) {
            std::ostringstream message;
            message << function << ": 0x" << std::hex << rv;
            throw std::runtime_error(message.str());
        }
    }

    CK_SLOT_ID slot_of(std::string token) {
        CK_ULONG count = 0;
        check("C_GetSlotList", p11_->C_GetSlotList(CK_TRUE, nullptr, &count));
        std::vector<CK_SLOT_ID> slots(count);
        check("C_GetSlotList", p11_->C_GetSlotList(CK_TRUE, slots.data(), &count));
        token.resize(32, ' ');
        for (const CK_SLOT_ID slot : slots) {
            CK_TOKEN_INFO info{};
            check("C_GetTokenInfo", p11_->C_GetTokenInfo(slot, &info));
            if (std::equal(token.begin(), token.end(), std::begin(info.label))) {
                return slot;
            }
        }
        throw std::runtime_error("there is no token " + token);
    }

    void* library_;
    CK_FUNCTION_LIST* p11_ = nullptr;
};
