// SPDX-License-Identifier: BSD-2-Clause
#include "objects.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace support {

namespace {

constexpr CK_KEY_TYPE edwards = 0x40;
constexpr CK_MECHANISM_TYPE eddsa = 0x1057;

void must_be_ok(const char* function, CK_RV value) {
    if (value != CKR_OK) {
        throw std::runtime_error(std::string(function) + " returned " + std::to_string(value));
    }
}

[[nodiscard]] std::string name_of_key_type(CK_ULONG type) {
    switch (type) {
    case CKK_RSA: return "rsa";
    case CKK_DSA: return "dsa";
    case CKK_DH: return "dh";
    case CKK_EC: return "ec";
    case edwards: return "edwards";
    case CKK_AES: return "aes";
    case CKK_DES3: return "des3";
    case CKK_GENERIC_SECRET: return "generic";
    case CKK_SHA_1_HMAC: return "sha1-hmac";
    case CKK_SHA256_HMAC: return "sha256-hmac";
    case CKK_SHA512_HMAC: return "sha512-hmac";
    default: return std::to_string(type);
    }
}

struct Flag {
    CK_ATTRIBUTE_TYPE type;
    const char* name;
};
constexpr std::array flags = {
    Flag{CKA_PRIVATE, "private"},
    Flag{CKA_MODIFIABLE, "modifiable"},
    Flag{CKA_SENSITIVE, "sensitive"},
    Flag{CKA_EXTRACTABLE, "extractable"},
    Flag{CKA_LOCAL, "local"},
    Flag{CKA_NEVER_EXTRACTABLE, "never-extractable"},
    Flag{CKA_ALWAYS_AUTHENTICATE, "always-authenticate"},
    Flag{CKA_WRAP_WITH_TRUSTED, "wrap-with-trusted"},
    Flag{CKA_TRUSTED, "trusted"},
    Flag{CKA_SIGN, "sign"},
    Flag{CKA_VERIFY, "verify"},
    Flag{CKA_DECRYPT, "decrypt"},
    Flag{CKA_ENCRYPT, "encrypt"},
    Flag{CKA_UNWRAP, "unwrap"},
    Flag{CKA_WRAP, "wrap"},
    Flag{CKA_DERIVE, "derive"},
};

/// The mechanism that tries a key out, and how much it signs.
struct Trial {
    CK_MECHANISM_TYPE mechanism;
    std::size_t size;
};
[[nodiscard]] Trial trial_for(CK_KEY_TYPE type) {
    switch (type) {
    case CKK_RSA: return {CKM_SHA256_RSA_PKCS, 100};
    case CKK_EC: return {CKM_ECDSA, 20};
    case CKK_DSA: return {CKM_DSA, 20};
    default: return {eddsa, 100};
    }
}

} // namespace

std::string hex(const Bytes& bytes) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text.push_back(digits[byte / 16U]);
        text.push_back(digits[byte % 16U]);
    }
    return text;
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

LoggedIn::LoggedIn(const softhsm_fixtures::SoftHsmToken& token)
    : LoggedIn(token.module_path(), token.serial(), token.user_pin()) {}

LoggedIn::LoggedIn(const std::filesystem::path& module, const std::string& serial, std::string pin)
    : module_(module), session_(module_.open_session(serial)) {
    must_be_ok("C_Login", functions().C_Login(session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()),
                                              pin.size()));
}

LoggedIn::~LoggedIn() { functions().C_CloseSession(session_); }

std::vector<std::string> LoggedIn::objects() const {
    std::vector<std::string> descriptions;
    for (const CK_OBJECT_HANDLE object : all({})) {
        descriptions.push_back(description(object));
    }
    std::sort(descriptions.begin(), descriptions.end());
    return descriptions;
}

CK_OBJECT_HANDLE LoggedIn::find(CK_OBJECT_CLASS object_class, const std::string& label) const {
    std::string text = label;
    const auto found =
        all({{CKA_CLASS, &object_class, sizeof object_class}, {CKA_LABEL, text.data(), text.size()}});
    if (found.size() != 1) {
        throw std::runtime_error(std::to_string(found.size()) + " objects are called " + label);
    }
    return found.front();
}

Bytes LoggedIn::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    CK_ATTRIBUTE wanted{type, nullptr, 0};
    must_be_ok("C_GetAttributeValue", functions().C_GetAttributeValue(session_, object, &wanted, 1));
    Bytes value(wanted.ulValueLen + 1); // never a null pointer
    wanted.pValue = value.data();
    must_be_ok("C_GetAttributeValue", functions().C_GetAttributeValue(session_, object, &wanted, 1));
    value.resize(wanted.ulValueLen);
    return value;
}

CK_RV LoggedIn::sign_and_verify(const std::string& label) const {
    const CK_OBJECT_HANDLE private_key = find(CKO_PRIVATE_KEY, label);
    const Trial trial = trial_for(number(private_key, CKA_KEY_TYPE));
    Bytes data(trial.size, 0x5a);
    Bytes signature = sign(private_key, trial.mechanism, data);
    CK_MECHANISM how{trial.mechanism, nullptr, 0};
    must_be_ok("C_VerifyInit", functions().C_VerifyInit(session_, &how, find(CKO_PUBLIC_KEY, label)));
    return functions().C_Verify(session_, data.data(), data.size(), signature.data(), signature.size());
}

Bytes LoggedIn::sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, const Bytes& data) const {
    CK_MECHANISM how{mechanism, nullptr, 0};
    must_be_ok("C_SignInit", functions().C_SignInit(session_, &how, key));
    Bytes input = data;
    Bytes signature(2048);
    CK_ULONG size = signature.size();
    must_be_ok("C_Sign", functions().C_Sign(session_, input.data(), input.size(), signature.data(), &size));
    signature.resize(size);
    return signature;
}

CK_RV LoggedIn::derive(CK_OBJECT_HANDLE private_key, CK_MECHANISM_TYPE mechanism, Bytes public_value) const {
    CK_ECDH1_DERIVE_PARAMS ecdh{CKD_NULL, 0, nullptr, public_value.size(), public_value.data()};
    CK_MECHANISM how{mechanism, &ecdh, sizeof ecdh};
    if (mechanism == CKM_DH_PKCS_DERIVE) {
        how = {mechanism, public_value.data(), public_value.size()};
    }
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ULONG length = 16;
    std::array<CK_ATTRIBUTE, 3> key = {CK_ATTRIBUTE{CKA_CLASS, &secret, sizeof secret},
                                       CK_ATTRIBUTE{CKA_KEY_TYPE, &generic, sizeof generic},
                                       CK_ATTRIBUTE{CKA_VALUE_LEN, &length, sizeof length}};
    CK_OBJECT_HANDLE derived = 0;
    return functions().C_DeriveKey(session_, &how, private_key, key.data(), key.size(), &derived);
}

std::vector<CK_OBJECT_HANDLE> LoggedIn::all(std::vector<CK_ATTRIBUTE> wanted) const {
    must_be_ok("C_FindObjectsInit", functions().C_FindObjectsInit(session_, wanted.data(), wanted.size()));
    std::vector<CK_OBJECT_HANDLE> objects(20'000);
    CK_ULONG count = 0;
    must_be_ok("C_FindObjects", functions().C_FindObjects(session_, objects.data(), objects.size(), &count));
    must_be_ok("C_FindObjectsFinal", functions().C_FindObjectsFinal(session_));
    objects.resize(count);
    return objects;
}

std::string LoggedIn::description(CK_OBJECT_HANDLE object) const {
    const CK_ULONG object_class = number(object, CKA_CLASS);
    std::string text;
    switch (object_class) {
    case CKO_PRIVATE_KEY: text = "private "; break;
    case CKO_PUBLIC_KEY: text = "public "; break;
    case CKO_SECRET_KEY: text = "secret "; break;
    case CKO_CERTIFICATE: text = "certificate"; break;
    case CKO_DATA: text = "data"; break;
    default: text = std::to_string(object_class);
    }
    const bool key = text.back() == ' ';
    text += key ? name_of_key_type(number(object, CKA_KEY_TYPE)) : "";
    const Bytes label = attribute(object, CKA_LABEL);
    text += " \"" + std::string(label.begin(), label.end()) + '"';
    text += object_class == CKO_DATA ? ":" : " " + hex(attribute(object, CKA_ID)) + ":";
    for (const Flag& flag : flags) {
        if (is_true(object, flag.type)) {
            text += std::string(" ") + flag.name;
        }
    }
    return text;
}

bool LoggedIn::is_true(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE wanted{type, &value, sizeof value};
    return functions().C_GetAttributeValue(session_, object, &wanted, 1) == CKR_OK && value != CK_FALSE;
}

CK_ULONG LoggedIn::number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    const Bytes bytes = attribute(object, type);
    CK_ULONG value = 0;
    std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
    return value;
}

} // namespace support
