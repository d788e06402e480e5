// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_search_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <array>

namespace keyway::pkcs11 {

namespace {

/// Private ones only: whoever has no PIN can put public objects into many tokens, and would know what is wrapped by his own.
std::vector<CK_OBJECT_HANDLE> aes_keys(const Session& session, const KeySelector& selector) {
    auto wanted = search_for(CKO_SECRET_KEY, selector);
    wanted.add_number(CKA_KEY_TYPE, CKK_AES).add_yes(CKA_PRIVATE);
    return find_objects(session, std::move(wanted));
}

void require_free(const Session& session, const KeySelector& selector, std::string_view token_name) {
    const auto taken = find_objects(session, search_for(CKO_SECRET_KEY, selector));
    if(!taken.empty()) {
        throw Error(Errc::already_exists,
                    std::string(token_name) + " has a secret key " + selector.to_string() + " already: " +
                        candidates(session, taken),
                    "choose another label and id, or remove that key first");
    }
}

}  // namespace

CK_OBJECT_HANDLE generate_wrapping_key(const Session& session,
                                       const NewWrappingKey& key,
                                       std::string_view token_name,
                                       NewObjects& made) {
    if(key.bytes != 16 && key.bytes != 24 && key.bytes != 32) {
        throw Error(Errc::invalid_argument, "an AES key has no " + std::to_string(key.bytes) + " bytes", "use 16, 24 or 32");
    }
    require_free(session, {.id = std::nullopt, .label = key.label}, token_name);
    require_free(session, {.id = key.id, .label = std::nullopt}, token_name);
    Template attributes;
    attributes.add_number(CKA_CLASS, CKO_SECRET_KEY).add_number(CKA_KEY_TYPE, CKK_AES);
    attributes.add_number(CKA_VALUE_LEN, key.bytes).add_yes(CKA_TOKEN).add(CKA_ID, key.id).add_text(CKA_LABEL, key.label);
    attributes.add_yes(CKA_PRIVATE).add_yes(CKA_SENSITIVE).add_no(CKA_EXTRACTABLE);
    attributes.add_yes(CKA_WRAP).add_yes(CKA_UNWRAP);
    // A key that wraps must not decrypt: what it wrapped could be had in clear by it.
    attributes.add_no(CKA_ENCRYPT).add_no(CKA_DECRYPT).add_no(CKA_SIGN).add_no(CKA_VERIFY).add_no(CKA_DERIVE);
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    const auto turn = session.turn_for(Module::ObjectWork::making);
    const auto result = session.calls().C_GenerateKey(session.handle(), &mechanism, attributes.data(), attributes.size(), &object);
    if(result != CKR_OK) {
        throw call_failed(result, "make an AES key in " + std::string(token_name));
    }
    made.add(object);
    return object;
}

CK_OBJECT_HANDLE find_wrapping_key(const Session& session, const KeySelector& selector, std::string_view token_name) {
    const auto found = aes_keys(session, selector);
    if(found.empty()) {
        const auto others = aes_keys(session, {});
        throw Error(Errc::key_not_found, std::string(token_name) + " has no AES key " + selector.to_string(),
                    others.empty() ? "it holds no AES key at all" : "it holds: " + candidates(session, others));
    }
    if(found.size() > 1) {
        throw Error(Errc::key_ambiguous,
                    std::string(token_name) + " has " + std::to_string(found.size()) + " AES keys " + selector.to_string(),
                    "they are: " + candidates(session, found) + "; give the id as well, or remove the others");
    }
    constexpr std::array<CK_ATTRIBUTE_TYPE, 4> usage{CKA_WRAP, CKA_UNWRAP, CKA_SENSITIVE, CKA_EXTRACTABLE};
    const auto values = read_attributes(session, found.front(), usage);
    if(!values.flag(CKA_WRAP).value_or(false) || !values.flag(CKA_UNWRAP).value_or(false)) {
        throw Error(Errc::unsupported,
                    "the AES key " + selector.to_string() + " in " + std::string(token_name) + " may not wrap and unwrap keys",
                    "make one that may: CKA_WRAP and CKA_UNWRAP");
    }
    if(!values.flag(CKA_SENSITIVE).value_or(true) || values.flag(CKA_EXTRACTABLE).value_or(false)) {
        throw Error(Errc::unsupported,
                    "the AES key " + selector.to_string() + " in " + std::string(token_name) + " may leave the token, so that what it wraps is not safe",
                    "make one that stays: CKA_SENSITIVE, and not CKA_EXTRACTABLE");
    }
    return found.front();
}

bool has_wrapping_key(const Session& session, const KeySelector& selector) {
    return !aes_keys(session, selector).empty();
}

void destroy_wrapping_key(const Session& session, const KeySelector& selector, std::string_view token_name) {
    const auto object = find_wrapping_key(session, selector, token_name);
    if(const auto result = session.calls().C_DestroyObject(session.handle(), object); result != CKR_OK) {
        throw call_failed(result, "destroy the AES key " + selector.to_string() + " in " + std::string(token_name));
    }
}

}  // namespace keyway::pkcs11
