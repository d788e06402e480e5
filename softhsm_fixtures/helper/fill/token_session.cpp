// SPDX-License-Identifier: BSD-2-Clause
#include "token_session.hpp"

#include <algorithm>
#include <cstring>

namespace fill {

using helper::check;

void Template::add(CK_ATTRIBUTE_TYPE type, Bytes value) {
    if (Attribute* given = find(type)) {
        given->value = std::move(value);
        return;
    }
    attributes_.push_back({type, std::move(value)});
}

void Template::add_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    add(type, std::move(bytes));
}

std::optional<bool> Template::flag(CK_ATTRIBUTE_TYPE type) const {
    const auto found = std::find_if(attributes_.begin(), attributes_.end(),
                                    [&](const Attribute& attribute) { return attribute.type == type; });
    if (found == attributes_.end() || found->value.size() != 1) {
        return std::nullopt;
    }
    return found->value.front() != 0;
}

void Template::leave_out_if_false(CK_ATTRIBUTE_TYPE type) {
    if (flag(type) == false) {
        attributes_.remove_if([&](const Attribute& attribute) { return attribute.type == type; });
    }
}

Template::Attribute* Template::find(CK_ATTRIBUTE_TYPE type) {
    const auto found = std::find_if(attributes_.begin(), attributes_.end(),
                                    [&](const Attribute& attribute) { return attribute.type == type; });
    return found == attributes_.end() ? nullptr : &*found;
}

std::vector<CK_ATTRIBUTE> Template::attributes() {
    std::vector<CK_ATTRIBUTE> result;
    for (Attribute& attribute : attributes_) {
        result.push_back({attribute.type, attribute.value.data(), attribute.value.size()});
    }
    return result;
}

TokenSession::TokenSession(const std::string& module, const std::optional<std::string>& init_arguments,
                           const TokenChoice& choice)
    : p11_(helper::load(module)) {
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    std::string reserved = init_arguments.value_or("");
    arguments.pReserved = init_arguments ? reserved.data() : nullptr;
    check("C_Initialize", p11_.C_Initialize(&arguments));
    try {
        open(choice);
    } catch (...) {
        p11_.C_Finalize(nullptr);
        throw;
    }
}

TokenSession::~TokenSession() {
    // Also closes the session, and says no more than that when it fails.
    p11_.C_Finalize(nullptr);
    std::fill(pin_.begin(), pin_.end(), CK_UTF8CHAR{0});
}

void TokenSession::open(const TokenChoice& choice) {
    std::vector<CK_SLOT_ID> found;
    for (const CK_SLOT_ID slot : helper::slots_with_token(p11_)) {
        CK_TOKEN_INFO info{};
        check("C_GetTokenInfo", p11_.C_GetTokenInfo(slot, &info));
        const bool fits = (!choice.serial || helper::trimmed(info.serialNumber) == *choice.serial) &&
                          (!choice.label || helper::trimmed(info.label) == *choice.label);
        if (fits) {
            found.push_back(slot);
        }
    }
    if (found.size() != 1) {
        const std::string wanted = (choice.label ? "label \"" + *choice.label + "\"" : "") +
                                   (choice.label && choice.serial ? " and " : "") +
                                   (choice.serial ? "serial \"" + *choice.serial + "\"" : "");
        throw helper::Failure(found.empty() ? "the module has no token with " + wanted
                                            : std::to_string(found.size()) + " tokens have " + wanted);
    }
    check("C_OpenSession", p11_.C_OpenSession(found.front(), CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                              nullptr, &session_));
}

void TokenSession::login(CK_USER_TYPE who, const std::string& pin_file) {
    if (logged_in_) {
        check("C_Logout", p11_.C_Logout(session_));
        logged_in_ = false;
    }
    pin_ = helper::read_pin(pin_file);
    check("C_Login", p11_.C_Login(session_, who, pin_.data(), pin_.size()));
    logged_in_ = true;
}

CK_OBJECT_HANDLE TokenSession::create(Template& object) {
    auto attributes = object.attributes();
    CK_OBJECT_HANDLE handle = 0;
    check("C_CreateObject", p11_.C_CreateObject(session_, attributes.data(), attributes.size(), &handle));
    return handle;
}

TokenSession::Pair TokenSession::generate_pair(CK_MECHANISM_TYPE mechanism, Template& public_key,
                                               Template& private_key) {
    auto public_attributes = public_key.attributes();
    auto private_attributes = private_key.attributes();
    CK_MECHANISM how{mechanism, nullptr, 0};
    Pair pair;
    check("C_GenerateKeyPair",
          p11_.C_GenerateKeyPair(session_, &how, public_attributes.data(), public_attributes.size(),
                                 private_attributes.data(), private_attributes.size(), &pair.public_key,
                                 &pair.private_key));
    return pair;
}

CK_OBJECT_HANDLE TokenSession::generate_key(CK_MECHANISM_TYPE mechanism, Template& key) {
    auto attributes = key.attributes();
    CK_MECHANISM how{mechanism, nullptr, 0};
    CK_OBJECT_HANDLE handle = 0;
    check("C_GenerateKey", p11_.C_GenerateKey(session_, &how, attributes.data(), attributes.size(), &handle));
    return handle;
}

Bytes TokenSession::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE wanted{type, nullptr, 0};
    check("C_GetAttributeValue", p11_.C_GetAttributeValue(session_, object, &wanted, 1));
    if (wanted.ulValueLen == CK_UNAVAILABLE_INFORMATION) {
        throw helper::Failure("the token does not tell an attribute of a key that it has made");
    }
    Bytes value(wanted.ulValueLen);
    wanted.pValue = value.data();
    check("C_GetAttributeValue", p11_.C_GetAttributeValue(session_, object, &wanted, 1));
    value.resize(wanted.ulValueLen);
    return value;
}

void TokenSession::set_attributes(CK_OBJECT_HANDLE object, Template& attributes) {
    auto values = attributes.attributes();
    check("C_SetAttributeValue", p11_.C_SetAttributeValue(session_, object, values.data(), values.size()));
}

void TokenSession::destroy(CK_OBJECT_HANDLE object) {
    check("C_DestroyObject", p11_.C_DestroyObject(session_, object));
}

Bytes TokenSession::sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, const Bytes& data,
                         bool authenticate) {
    CK_MECHANISM how{mechanism, nullptr, 0};
    check("C_SignInit", p11_.C_SignInit(session_, &how, key));
    if (authenticate) {
        check("C_Login", p11_.C_Login(session_, CKU_CONTEXT_SPECIFIC, pin_.data(), pin_.size()));
    }
    Bytes input = data; // PKCS#11 takes no pointer to const
    Bytes signature(4096);
    CK_ULONG size = signature.size();
    check("C_Sign", p11_.C_Sign(session_, input.data(), input.size(), signature.data(), &size));
    signature.resize(size);
    return signature;
}

} // namespace fill
