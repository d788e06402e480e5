// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_search_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/pk_keys.h>

#include <string>

namespace keyway::pkcs11 {

namespace {

FoundKey take_private(CK_OBJECT_HANDLE object, const Attributes& values) {
    FoundKey found;
    found.private_object = object;
    found.id = values.bytes(CKA_ID);
    found.label = values.text(CKA_LABEL);
    found.may_sign = values.flag(CKA_SIGN).value_or(true);
    found.may_decrypt = values.flag(CKA_DECRYPT).value_or(true);
    found.may_derive = values.flag(CKA_DERIVE).value_or(true);
    found.always_authenticate = values.flag(CKA_ALWAYS_AUTHENTICATE).value_or(false);
    return found;
}

}  // namespace

FoundKey find_key(const Session& session, const KeySelector& selector, std::string_view token_name) {
    const auto privates = find_objects(session, search_for(CKO_PRIVATE_KEY, selector));
    if(privates.empty()) {
        throw no_private_key(selector, candidates(session, find_objects(session, search_for(CKO_PRIVATE_KEY, {}))),
                             token_name);
    }
    if(privates.size() > 1) {
        throw several_private_keys(privates.size(), selector, candidates(session, privates), token_name);
    }
    const auto values =
        KeyObjectReader(session, {CKA_ID, CKA_LABEL, CKA_SIGN, CKA_DECRYPT, CKA_DERIVE, CKA_ALWAYS_AUTHENTICATE,
                                  CKA_PUBLIC_KEY_INFO})
            .read(privates.front());
    auto found = take_private(privates.front(), values);

    // The pair shares CKA_ID; where a program set none, the label has to do.
    KeySelector of_public;
    if(found.id.empty()) {
        of_public.label = found.label;
    } else {
        of_public.id = found.id;
    }
    found.public_objects = find_objects(session, search_for(CKO_PUBLIC_KEY, of_public));
    PublicKeySources sources;
    KeyObjectReader reader(session, {});
    for(const auto object : found.public_objects) {
        sources.add_public(session, object, reader.read(object));
    }
    sources.add(values);
    // A certificate says whose key it was when it was issued: of a key that was made anew since, it says nothing. So it
    // is asked only where nothing else shows the key.
    if(!sources.key() && of_public.id) {
        for(const auto object : find_objects(session, search_for(CKO_CERTIFICATE, of_public))) {
            sources.add_certificate(session, object);
        }
    }
    sources.require_one(of_public, token_name);
    found.public_key = sources.key();
    return found;
}

FoundKey find_key(const Session& session,
                  const KeySelector& selector,
                  const SpkiFingerprint& fingerprint,
                  std::string_view token_name) {
    auto found = find_key(session, selector, token_name);
    if(const auto actual = SpkiFingerprint::of(*found.public_key); actual != fingerprint) {
        throw another_key(selector, actual, fingerprint, token_name);
    }
    return found;
}

FoundKey find_key_or_remains(const Session& session,
                             const KeySelector& selector,
                             const SpkiFingerprint& fingerprint,
                             std::string_view token_name) {
    if(find_objects(session, search_for(CKO_PRIVATE_KEY, selector)).empty()) {
        FoundKey remains;
        KeyObjectReader reader(session, {CKA_ID});
        for(const auto object : find_objects(session, search_for(CKO_PUBLIC_KEY, selector))) {
            const auto values = reader.read(object);
            PublicKeySources sources;
            sources.add_public(session, object, values);
            if(sources.key() && *sources.fingerprint() == fingerprint) {
                remains.id = values.bytes(CKA_ID);
                remains.public_objects.push_back(object);
                remains.public_key = sources.key();
            }
        }
        if(remains.public_key) {
            return remains;
        }
    }
    return find_key(session, selector, fingerprint, token_name);
}

void require_free_names(const Session& session, const NewKey& key, std::string_view token_name) {
    const auto require_free = [&](const KeySelector& selector, std::string_view hint) {
        for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
            const auto taken = find_objects(session, search_for(object_class, selector));
            if(!taken.empty()) {
                throw Error(Errc::already_exists,
                            std::string(token_name) + " has a key " + selector.to_string() + " already: " +
                                candidates(session, taken),
                            std::string(hint));
            }
        }
    };
    const KeySelector by_label{.id = std::nullopt, .label = key.label};
    require_free(by_label, "choose another label, or remove that key first");
    // A name ALIAS:LABEL has to tell which of the two is meant.
    if(has_wrapping_key(session, by_label)) {
        throw Error(Errc::already_exists, std::string(token_name) + " has an AES key " + by_label.to_string() + " already",
                    "choose another label, or remove that key first");
    }
    require_free({.id = key.id, .label = std::nullopt},
                 "choose another id; without one, an imported key has the id that its public key gives, so that this may be "
                 "the same key");
}

void destroy_key(const Session& session, const FoundKey& key) {
    const auto destroy = [&](CK_OBJECT_HANDLE object, std::string_view what) {
        if(const auto result = session.calls().C_DestroyObject(session.handle(), object); result != CKR_OK) {
            throw call_failed(result, what);
        }
    };
    if(key.private_object != CK_INVALID_HANDLE) {
        destroy(key.private_object, "destroy the private key object");
    }
    if(!key.id.empty() &&
       !find_objects(session, search_for(CKO_PRIVATE_KEY, {.id = key.id, .label = std::nullopt})).empty()) {
        return;  // another program put a second private key under the id: it needs the public objects
    }
    for(const auto object : key.public_objects) {
        destroy(object, "destroy the public key object (the private key is gone)");
    }
}

void destroy_named(const Session& session, const NewKey& key) {
    for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
        for(const auto object : find_objects(session, search_for(object_class, {.id = key.id, .label = key.label}))) {
            if(const auto result = session.calls().C_DestroyObject(session.handle(), object); result != CKR_OK) {
                throw call_failed(result, "destroy an object of a key that could not be made whole");
            }
        }
    }
}

}  // namespace keyway::pkcs11
