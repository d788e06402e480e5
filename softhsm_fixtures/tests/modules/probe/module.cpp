// SPDX-License-Identifier: BSD-2-Clause
#include "module.hpp"

#include <names/names.hpp>

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <iterator>

namespace probe {

namespace {

[[nodiscard]] CK_BYTE digit(char character) {
    return static_cast<CK_BYTE>(character <= '9' ? character - '0' : character - 'a' + 10);
}

template <typename Field>
[[nodiscard]] std::string trimmed(const Field& field) {
    std::string text(std::begin(field), std::end(field));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

} // namespace

Bytes from_hex(std::string_view hex) {
    Bytes bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes.push_back(static_cast<CK_BYTE>(digit(hex[at]) * 16 + digit(hex[at + 1])));
    }
    return bytes;
}

Bytes from_text(std::string_view text) {
    return {text.begin(), text.end()};
}

RefusedBy::RefusedBy(const char* function, CK_RV value)
    : Refused(std::string(function) + " returned " + pkcs11_names::name_of_return_value(value)), value_(value) {}

void check(const char* function, CK_RV value) {
    if (value != CKR_OK) {
        throw RefusedBy(function, value);
    }
}

void require(bool holds, const std::string& reason_if_not) {
    if (!holds) {
        throw Refused(reason_if_not);
    }
}

Template& Template::bytes(CK_ATTRIBUTE_TYPE type, Bytes value) {
    Bytes& kept = values_.emplace_back(std::move(value));
    attributes_.push_back({type, kept.data(), kept.size()});
    return *this;
}

Template& Template::number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    Bytes bytes_of_it(sizeof value);
    std::memcpy(bytes_of_it.data(), &value, sizeof value);
    return bytes(type, std::move(bytes_of_it));
}

Template& Template::flag(CK_ATTRIBUTE_TYPE type, bool value) {
    return bytes(type, {static_cast<CK_BYTE>(value ? CK_TRUE : CK_FALSE)});
}

Template::Template(const Template& other) {
    auto value = other.values_.begin();
    for (const CK_ATTRIBUTE& attribute : other.attributes_) {
        bytes(attribute.type, *value++);
    }
}

Module::Module(const Target& target, bool with_arguments)
    : target_(target), library_(::dlopen(target.module.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) {
        throw std::runtime_error(::dlerror());
    }
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(symbol("C_GetFunctionList"));
    check("C_GetFunctionList", get_functions(&p11_));
    initialise(with_arguments);
}

Module::~Module() {
    p11_->C_Finalize(nullptr); // the library stays loaded: only its state has to go
}

void* Module::symbol(const char* name) const {
    return ::dlsym(library_, name);
}

void Module::initialise(bool with_arguments) const {
    std::string init_arguments = target_.init_arguments;
    CK_C_INITIALIZE_ARGS locking{};
    locking.flags = CKF_OS_LOCKING_OK;
    locking.pReserved = init_arguments.empty() || !with_arguments ? nullptr : init_arguments.data();
    check("C_Initialize", p11_->C_Initialize(&locking));
}

void Module::finalise() const {
    check("C_Finalize", p11_->C_Finalize(nullptr));
}

std::vector<CK_SLOT_ID> Module::slots() const {
    CK_ULONG count = 0;
    check("C_GetSlotList", p11_->C_GetSlotList(CK_TRUE, nullptr, &count));
    std::vector<CK_SLOT_ID> slots(count);
    check("C_GetSlotList", p11_->C_GetSlotList(CK_TRUE, slots.data(), &count));
    slots.resize(count);
    return slots;
}

CK_TOKEN_INFO Module::token_info(CK_SLOT_ID slot) const {
    CK_TOKEN_INFO info{};
    check("C_GetTokenInfo", p11_->C_GetTokenInfo(slot, &info));
    return info;
}

CK_SLOT_ID Module::slot_of(const std::string& label) const {
    for (const CK_SLOT_ID slot : slots()) {
        const CK_TOKEN_INFO info = token_info(slot);
        if ((info.flags & CKF_TOKEN_INITIALIZED) != 0 && trimmed(info.label) == label) {
            return slot;
        }
    }
    throw Refused("there is no token \"" + label + "\"");
}

Session::Session(const Module& module, Login login) : Session(module, module.slot(), login) {}

Session::Session(const Module& module, CK_SLOT_ID slot, Login login) : module_(module) {
    check("C_OpenSession",
          p11().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &handle_));
    if (login == Login::user) {
        try {
            log_in(CKU_USER, module.target().user_pin);
        } catch (const RefusedBy& refused) {
            if (refused.value() != CKR_USER_ALREADY_LOGGED_IN) {
                p11().C_CloseSession(handle_);
                throw;
            }
        }
    }
}

Session::~Session() {
    p11().C_CloseSession(handle_);
}

void Session::log_in(CK_USER_TYPE user, const std::string& pin) {
    Bytes bytes = from_text(pin);
    bytes.reserve(1); // a null pointer would ask for a protected authentication path
    check("C_Login", p11().C_Login(handle_, user, bytes.data(), bytes.size()));
}

void Session::log_out() {
    check("C_Logout", p11().C_Logout(handle_));
}

CK_OBJECT_HANDLE Session::create(Template attributes) {
    CK_OBJECT_HANDLE object = 0;
    check("C_CreateObject", p11().C_CreateObject(handle_, attributes.data(), attributes.size(), &object));
    return object;
}

CK_OBJECT_HANDLE Session::copy(CK_OBJECT_HANDLE object, Template attributes) {
    CK_OBJECT_HANDLE made = 0;
    check("C_CopyObject", p11().C_CopyObject(handle_, object, attributes.data(), attributes.size(), &made));
    return made;
}

std::vector<CK_OBJECT_HANDLE> Session::find(Template attributes) {
    std::vector<CK_OBJECT_HANDLE> found(16);
    CK_ULONG count = 0;
    check("C_FindObjectsInit", p11().C_FindObjectsInit(handle_, attributes.data(), attributes.size()));
    const CK_RV result = p11().C_FindObjects(handle_, found.data(), found.size(), &count);
    check("C_FindObjectsFinal", p11().C_FindObjectsFinal(handle_));
    check("C_FindObjects", result);
    found.resize(count);
    return found;
}

Bytes Session::get(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    check("C_GetAttributeValue", p11().C_GetAttributeValue(handle_, object, &attribute, 1));
    require(attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION,
            pkcs11_names::name_of_attribute(type) + " is not available");
    Bytes value(attribute.ulValueLen);
    attribute.pValue = value.data();
    check("C_GetAttributeValue", p11().C_GetAttributeValue(handle_, object, &attribute, 1));
    value.resize(attribute.ulValueLen);
    return value;
}

CK_OBJECT_HANDLE Session::generate(Mechanism mechanism, Template attributes) {
    CK_OBJECT_HANDLE key = 0;
    check("C_GenerateKey",
          p11().C_GenerateKey(handle_, mechanism.get(), attributes.data(), attributes.size(), &key));
    return key;
}

Bytes Session::sign(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data, CK_ULONG size) {
    check("C_SignInit", p11().C_SignInit(handle_, mechanism.get(), key));
    Bytes output(size);
    check("C_Sign", p11().C_Sign(handle_, data.data(), data.size(), output.data(), &size));
    output.resize(size);
    return output;
}

Bytes Session::sign_in_parts(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data) {
    check("C_SignInit", p11().C_SignInit(handle_, mechanism.get(), key));
    const std::size_t first = data.size() / 2;
    check("C_SignUpdate", p11().C_SignUpdate(handle_, data.data(), first));
    check("C_SignUpdate", p11().C_SignUpdate(handle_, data.data() + first, data.size() - first));
    Bytes output(large_enough);
    CK_ULONG size = output.size();
    check("C_SignFinal", p11().C_SignFinal(handle_, output.data(), &size));
    output.resize(size);
    return output;
}

void Session::verify(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data, Bytes signature) {
    check("C_VerifyInit", p11().C_VerifyInit(handle_, mechanism.get(), key));
    check("C_Verify",
          p11().C_Verify(handle_, data.data(), data.size(), signature.data(), signature.size()));
}

Bytes Session::encrypt(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data) {
    check("C_EncryptInit", p11().C_EncryptInit(handle_, mechanism.get(), key));
    Bytes output(large_enough);
    CK_ULONG size = output.size();
    check("C_Encrypt", p11().C_Encrypt(handle_, data.data(), data.size(), output.data(), &size));
    output.resize(size);
    return output;
}

Bytes Session::decrypt(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data) {
    check("C_DecryptInit", p11().C_DecryptInit(handle_, mechanism.get(), key));
    Bytes output(large_enough);
    CK_ULONG size = output.size();
    check("C_Decrypt", p11().C_Decrypt(handle_, data.data(), data.size(), output.data(), &size));
    output.resize(size);
    return output;
}

Bytes Session::wrap(Mechanism mechanism, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key) {
    Bytes output(large_enough);
    CK_ULONG size = output.size();
    check("C_WrapKey", p11().C_WrapKey(handle_, mechanism.get(), by, key, output.data(), &size));
    output.resize(size);
    return output;
}

CK_OBJECT_HANDLE Session::unwrap(Mechanism mechanism, CK_OBJECT_HANDLE by, Bytes wrapped, Template attributes) {
    CK_OBJECT_HANDLE key = 0;
    check("C_UnwrapKey", p11().C_UnwrapKey(handle_, mechanism.get(), by, wrapped.data(), wrapped.size(),
                                           attributes.data(), attributes.size(), &key));
    return key;
}

CK_OBJECT_HANDLE Session::derive(Mechanism mechanism, CK_OBJECT_HANDLE base, Template attributes) {
    CK_OBJECT_HANDLE key = 0;
    check("C_DeriveKey", p11().C_DeriveKey(handle_, mechanism.get(), base, attributes.data(),
                                           attributes.size(), &key));
    return key;
}

} // namespace probe
