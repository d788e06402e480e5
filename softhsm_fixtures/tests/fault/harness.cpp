// SPDX-License-Identifier: BSD-2-Clause
#include "harness.hpp"

#include <array>
#include <cstring>
#include <dlfcn.h>

namespace fault_test {

namespace {

// The curve P-256 as an object identifier.
constexpr std::array<CK_BYTE, 10> p256 = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
const CK_BYTE hash[32] = {1, 2, 3};

[[nodiscard]] CK_ATTRIBUTE attribute_of(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    return {type, const_cast<void*>(value), static_cast<CK_ULONG>(size)};
}

[[nodiscard]] CK_UTF8CHAR* utf8(std::string& text) {
    return reinterpret_cast<CK_UTF8CHAR*>(text.data());
}

} // namespace

Faulted::Faulted(const softhsm_fixtures::FaultOptions& options) : fault_(token().module_path(), options) {
    void* const library = ::dlopen(fault_.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    INFO("loading " << fault_.path());
    REQUIRE(library != nullptr);
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    REQUIRE(get != nullptr);
    REQUIRE(get(&functions_) == CKR_OK);
}

Faulted::~Faulted() {
    functions_->C_Finalize(nullptr);
}

CK_RV Faulted::initialise() {
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    return p11().C_Initialize(&arguments);
}

CK_RV Faulted::finalise() {
    return p11().C_Finalize(nullptr);
}

std::vector<CK_SLOT_ID> Faulted::slots() {
    CK_ULONG count = 0;
    REQUIRE(p11().C_GetSlotList(CK_TRUE, nullptr, &count) == CKR_OK);
    std::vector<CK_SLOT_ID> all(count);
    REQUIRE(p11().C_GetSlotList(CK_TRUE, all.data(), &count) == CKR_OK);
    std::vector<CK_SLOT_ID> found;
    for (const CK_SLOT_ID one : all) {
        CK_TOKEN_INFO info{};
        if (p11().C_GetTokenInfo(one, &info) == CKR_OK && (info.flags & CKF_TOKEN_INITIALIZED) != 0) {
            found.push_back(one);
        }
    }
    return found;
}

CK_TOKEN_INFO Faulted::token_info() {
    CK_TOKEN_INFO info{};
    REQUIRE(p11().C_GetTokenInfo(slot(), &info) == CKR_OK);
    return info;
}

CK_SESSION_HANDLE Faulted::open(CK_FLAGS more) {
    CK_SESSION_HANDLE session = 0;
    REQUIRE(p11().C_OpenSession(slot(), CKF_SERIAL_SESSION | more, nullptr, nullptr, &session) == CKR_OK);
    return session;
}

CK_RV Faulted::try_open(CK_FLAGS more) {
    CK_SESSION_HANDLE session = 0;
    return p11().C_OpenSession(slot(), CKF_SERIAL_SESSION | more, nullptr, nullptr, &session);
}

CK_RV Faulted::login(CK_SESSION_HANDLE session, std::optional<std::string> pin) {
    std::string text = pin.value_or(token().user_pin());
    return p11().C_Login(session, CKU_USER, utf8(text), text.size());
}

CK_SESSION_HANDLE Faulted::ready() {
    const CK_SESSION_HANDLE session = open();
    REQUIRE(login(session) == CKR_OK);
    return session;
}

KeyPair Faulted::make_key(CK_SESSION_HANDLE session, const std::string& label) {
    const CK_BBOOL yes = CK_TRUE;
    std::array common = {attribute_of(CKA_TOKEN, &yes, 1), attribute_of(CKA_LABEL, label.data(), label.size()),
                         attribute_of(CKA_ID, label.data(), label.size())};
    std::vector<CK_ATTRIBUTE> of_public(common.begin(), common.end());
    of_public.push_back(attribute_of(CKA_EC_PARAMS, p256.data(), p256.size()));
    std::vector<CK_ATTRIBUTE> of_private(common.begin(), common.end());
    of_private.push_back(attribute_of(CKA_PRIVATE, &yes, 1));
    of_private.push_back(attribute_of(CKA_SIGN, &yes, 1));
    CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    KeyPair made;
    REQUIRE(p11().C_GenerateKeyPair(session, &mechanism, of_public.data(), of_public.size(), of_private.data(),
                                    of_private.size(), &made.public_key, &made.private_key) == CKR_OK);
    return made;
}

std::vector<CK_OBJECT_HANDLE> Faulted::find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS kind,
                                            const std::string& label) {
    std::array wanted = {attribute_of(CKA_CLASS, &kind, sizeof kind),
                         attribute_of(CKA_LABEL, label.data(), label.size())};
    REQUIRE(p11().C_FindObjectsInit(session, wanted.data(), wanted.size()) == CKR_OK);
    std::vector<CK_OBJECT_HANDLE> found(16);
    CK_ULONG count = 0;
    REQUIRE(p11().C_FindObjects(session, found.data(), found.size(), &count) == CKR_OK);
    REQUIRE(p11().C_FindObjectsFinal(session) == CKR_OK);
    found.resize(count);
    return found;
}

Faulted::Signed Faulted::sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    Signed result;
    result.init = result.sign = p11().C_SignInit(session, &mechanism, key);
    if (result.init != CKR_OK) {
        return result;
    }
    Bytes data(std::begin(hash), std::end(hash));
    result.signature.resize(128);
    CK_ULONG size = result.signature.size();
    result.sign = p11().C_Sign(session, data.data(), data.size(), result.signature.data(), &size);
    result.signature.resize(result.sign == CKR_OK ? size : 0);
    return result;
}

CK_RV Faulted::verify(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, Bytes signature) {
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    if (const CK_RV value = p11().C_VerifyInit(session, &mechanism, key); value != CKR_OK) {
        return value;
    }
    Bytes data(std::begin(hash), std::end(hash));
    return p11().C_Verify(session, data.data(), data.size(), signature.data(), signature.size());
}

Faulted::Attribute Faulted::attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE wanted{type, nullptr, 0};
    Attribute result;
    result.value = p11().C_GetAttributeValue(session, object, &wanted, 1);
    if (result.value != CKR_OK) {
        return result;
    }
    result.bytes.resize(wanted.ulValueLen);
    wanted.pValue = result.bytes.data();
    result.value = p11().C_GetAttributeValue(session, object, &wanted, 1);
    return result;
}

} // namespace fault_test
