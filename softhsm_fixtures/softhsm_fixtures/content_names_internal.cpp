// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content_names_internal.hpp>

#include <p11-kit/pkcs11.h>

#include <array>

namespace softhsm_fixtures::internal {

namespace {

using Names = std::vector<std::string_view>;

[[nodiscard]] Names operator+(Names left, const Names& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

[[nodiscard]] std::vector<TypeName> make_types() {
    const Names common = {"label", "id", "name", "count", "attributes"};
    const Names key = common + Names{"usage"};
    const Names pair = key + Names{"store", "origin", "certificate"};
    const Names secret = key + Names{"origin", "value"};
    const Names bits = {"bits"};
    return {
        {"rsa", EntryType::rsa, bits + Names{"exponent"} + pair},
        {"ec", EntryType::ec, Names{"curve"} + pair},
        {"ed25519", EntryType::ed25519, pair},
        {"ed448", EntryType::ed448, pair},
        {"x25519", EntryType::x25519, pair},
        {"x448", EntryType::x448, pair},
        {"dsa", EntryType::dsa, bits + pair},
        {"dh", EntryType::dh, bits + pair},
        {"key", EntryType::key, Names{"pem", "pem-file"} + key + Names{"store", "certificate"}},
        {"aes", EntryType::aes, bits + secret},
        {"des3", EntryType::des3, secret},
        {"generic", EntryType::generic, bits + secret},
        {"hmac", EntryType::hmac, Names{"hash"} + bits + secret},
        {"certificate", EntryType::certificate,
         Names{"label", "id", "name", "key"} + certificate_members() + Names{"attributes"}},
        {"data", EntryType::data, Names{"text", "hex", "file", "application"} + common},
    };
}

constexpr std::array<CurveName, 20> curves = {{
    {"P-192", "prime192v1"},
    {"P-224", "secp224r1"},
    {"P-256", "prime256v1"},
    {"P-384", "secp384r1"},
    {"P-521", "secp521r1"},
    {"secp256k1", "secp256k1"},
    {"brainpoolP160r1", "brainpoolP160r1"},
    {"brainpoolP160t1", "brainpoolP160t1"},
    {"brainpoolP192r1", "brainpoolP192r1"},
    {"brainpoolP192t1", "brainpoolP192t1"},
    {"brainpoolP224r1", "brainpoolP224r1"},
    {"brainpoolP224t1", "brainpoolP224t1"},
    {"brainpoolP256r1", "brainpoolP256r1"},
    {"brainpoolP256t1", "brainpoolP256t1"},
    {"brainpoolP320r1", "brainpoolP320r1"},
    {"brainpoolP320t1", "brainpoolP320t1"},
    {"brainpoolP384r1", "brainpoolP384r1"},
    {"brainpoolP384t1", "brainpoolP384t1"},
    {"brainpoolP512r1", "brainpoolP512r1"},
    {"brainpoolP512t1", "brainpoolP512t1"},
}};

constexpr std::array<HashName, 5> hashes = {{
    {"sha1", 160, CKK_SHA_1_HMAC},
    {"sha224", 224, CKK_SHA224_HMAC},
    {"sha256", 256, CKK_SHA256_HMAC},
    {"sha384", 384, CKK_SHA384_HMAC},
    {"sha512", 512, CKK_SHA512_HMAC},
}};

constexpr unsigned any_key = of_private | of_public | of_secret;
constexpr unsigned any_object = any_key | of_certificate | of_data;

constexpr std::array<AttributeName, 18> attributes = {{
    // A public key and a certificate are meant to be seen without a login, so "private" is not about them.
    {"private", CKA_PRIVATE, of_private | of_secret | of_data},
    {"modifiable", CKA_MODIFIABLE, any_object},
    {"copyable", CKA_COPYABLE, any_object},
    {"destroyable", CKA_DESTROYABLE, any_object},
    {"sensitive", CKA_SENSITIVE, of_private | of_secret},
    {"extractable", CKA_EXTRACTABLE, of_private | of_secret},
    {"always-authenticate", CKA_ALWAYS_AUTHENTICATE, of_private},
    {"wrap-with-trusted", CKA_WRAP_WITH_TRUSTED, of_private | of_secret},
    {"trusted", CKA_TRUSTED, of_public | of_secret | of_certificate},
    {"sign", CKA_SIGN, of_private | of_secret},
    {"sign-recover", CKA_SIGN_RECOVER, of_private},
    {"verify", CKA_VERIFY, of_public | of_secret},
    {"verify-recover", CKA_VERIFY_RECOVER, of_public},
    {"decrypt", CKA_DECRYPT, of_private | of_secret},
    {"encrypt", CKA_ENCRYPT, of_public | of_secret},
    {"unwrap", CKA_UNWRAP, of_private | of_secret},
    {"wrap", CKA_WRAP, of_public | of_secret},
    {"derive", CKA_DERIVE, any_key},
}};

constexpr std::array<std::string_view, 10> subject_attributes = {
    "CN", "O", "OU", "C", "ST", "L", "DC", "serialNumber", "UID", "emailAddress"};

} // namespace

const std::vector<TypeName>& known_types() {
    static const std::vector<TypeName> types = make_types();
    return types;
}

const std::vector<std::string_view>& certificate_members() {
    static const Names members = {"subject", "issuer", "days", "starts", "serial",
                                  "ca",      "dns",    "ip",   "pem",    "pem-file"};
    return members;
}

std::span<const CurveName> known_curves() { return curves; }

std::span<const HashName> known_hashes() { return hashes; }

std::span<const AttributeName> known_attributes() { return attributes; }

std::span<const std::string_view> known_subject_attributes() { return subject_attributes; }

} // namespace softhsm_fixtures::internal
