// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/hex.h>
#include <botan/pk_keys.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace keyway::pkcs11 {

namespace {

Template search_for(CK_OBJECT_CLASS object_class, const KeySelector& selector) {
    Template wanted;
    wanted.add_number(CKA_CLASS, object_class);
    wanted.add_yes(CKA_TOKEN);
    if(selector.id) {
        wanted.add(CKA_ID, *selector.id);
    }
    if(selector.label) {
        wanted.add_text(CKA_LABEL, *selector.label);
    }
    return wanted;
}

std::string label_of(const Session& session, CK_OBJECT_HANDLE object) {
    const auto bytes = read_attribute(session, object, CKA_LABEL).value_or(std::vector<std::uint8_t>{});
    return {bytes.begin(), bytes.end()};
}

std::vector<std::uint8_t> id_of(const Session& session, CK_OBJECT_HANDLE object) {
    return read_attribute(session, object, CKA_ID).value_or(std::vector<std::uint8_t>{});
}

/// The keys to choose from, for a hint; a handful, as a token may hold thousands.
std::string candidates(const Session& session, const std::vector<CK_OBJECT_HANDLE>& objects) {
    constexpr std::size_t most = 10;
    std::string list;
    for(std::size_t i = 0; i < std::min(most, objects.size()); ++i) {
        list += (i == 0 ? "" : ", ") + in_quotes(label_of(session, objects[i])) + " (id " +
                id_text(id_of(session, objects[i])) + ")";
    }
    if(objects.size() > most) {
        list += " and " + std::to_string(objects.size() - most) + " more";
    }
    return list;
}

Error not_found(const Session& session, const KeySelector& selector, std::string_view token_name) {
    const auto others = find_objects(session, search_for(CKO_PRIVATE_KEY, {}));
    return {Errc::key_not_found,
            std::string(token_name) + " has no private key " + selector.to_string(),
            others.empty() ? "it holds no private key at all" : "it holds: " + candidates(session, others)};
}

/// As read_public_key; nothing for a key that Keyway cannot use, or one that another program wrote badly: neither is to
/// hide the others of a listing.
std::shared_ptr<const Botan::Public_Key> readable_public_key(const Session& session, CK_OBJECT_HANDLE object) {
    try {
        std::shared_ptr<const Botan::Public_Key> key = read_public_key(session, object);
        if(key) {
            static_cast<void>(KeySpec::of(*key));
        }
        return key;
    } catch(const Error& error) {
        if(error.code() != Errc::malformed_data && error.code() != Errc::unsupported) {
            throw;
        }
        return nullptr;
    }
}

}  // namespace

std::string id_text(const std::vector<std::uint8_t>& id) {
    return Botan::hex_encode(id, false);
}

std::string KeySelector::to_string() const {
    std::string text;
    if(label) {
        text = "with label " + in_quotes(*label);
    }
    if(id) {
        text += (text.empty() ? "with id " : " and id ") + id_text(*id);
    }
    return text.empty() ? "at all" : text;
}

FoundKey find_key(const Session& session, const KeySelector& selector, std::string_view token_name) {
    const auto privates = find_objects(session, search_for(CKO_PRIVATE_KEY, selector));
    if(privates.empty()) {
        throw not_found(session, selector, token_name);
    }
    if(privates.size() > 1) {
        throw Error(Errc::key_ambiguous,
                    std::string(token_name) + " has " + std::to_string(privates.size()) + " private keys " +
                        selector.to_string(),
                    "they are: " + candidates(session, privates) + "; give the id as well, or remove the others");
    }
    FoundKey found;
    found.private_object = privates.front();

    // The pair shares CKA_ID; where a program set none, the label has to do.
    const auto id = id_of(session, found.private_object);
    KeySelector of_public;
    if(id.empty()) {
        of_public.label = label_of(session, found.private_object);
    } else {
        of_public.id = id;
    }
    found.public_objects = find_objects(session, search_for(CKO_PUBLIC_KEY, of_public));
    for(const auto object : found.public_objects) {
        std::shared_ptr<const Botan::Public_Key> key = read_public_key(session, object);
        if(found.public_key && key && SpkiFingerprint::of(*key) != SpkiFingerprint::of(*found.public_key)) {
            throw Error(Errc::key_ambiguous,
                        std::string(token_name) + " has several different public keys " + of_public.to_string(),
                        "remove the public key objects that do not belong to the private key");
        }
        if(key) {
            found.public_key = std::move(key);
        }
    }
    if(!found.public_key) {
        throw Error(Errc::key_not_found,
                    std::string(token_name) + " has no public key object for the private key " + selector.to_string(),
                    "import the public key beside it, with the same id");
    }
    return found;
}

FoundKey find_key(const Session& session,
                  const KeySelector& selector,
                  const SpkiFingerprint& fingerprint,
                  std::string_view token_name) {
    auto found = find_key(session, selector, token_name);
    const auto actual = SpkiFingerprint::of(*found.public_key);
    if(actual != fingerprint) {
        throw Error(Errc::key_mismatch,
                    "the key " + selector.to_string() + " in " + std::string(token_name) + " is another one: its SPKI SHA-256 is " +
                        actual.to_string() + ", the reference's is " + fingerprint.to_string(),
                    "somebody replaced the key; it is not used");
    }
    return found;
}

FoundKey find_key_or_remains(const Session& session,
                             const KeySelector& selector,
                             const SpkiFingerprint& fingerprint,
                             std::string_view token_name) {
    if(find_objects(session, search_for(CKO_PRIVATE_KEY, selector)).empty()) {
        FoundKey remains;
        for(const auto object : find_objects(session, search_for(CKO_PUBLIC_KEY, selector))) {
            std::shared_ptr<const Botan::Public_Key> key = read_public_key(session, object);
            if(key && SpkiFingerprint::of(*key) == fingerprint) {
                remains.public_objects.push_back(object);
                remains.public_key = std::move(key);
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
    require_free({.id = std::nullopt, .label = key.label}, "choose another label, or remove that key first");
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
    const auto id = id_of(session, key.public_objects.front());
    if(key.private_object != CK_INVALID_HANDLE) {
        destroy(key.private_object, "destroy the private key object");
    }
    if(!id.empty() && !find_objects(session, search_for(CKO_PRIVATE_KEY, {.id = id, .label = std::nullopt})).empty()) {
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

std::vector<ListedKey> list_keys(const Session& session) {
    // The public keys are read in one search: a search for each private key would make a listing quadratic.
    std::map<std::vector<std::uint8_t>, ListedKey> public_keys;
    for(const auto object : find_objects(session, search_for(CKO_PUBLIC_KEY, {}))) {
        ListedKey key;
        key.has_private = false;
        key.label = label_of(session, object);
        key.id = id_of(session, object);
        key.public_key = readable_public_key(session, object);
        public_keys.insert_or_assign(key.id, std::move(key));
    }
    std::vector<ListedKey> keys;
    std::set<std::vector<std::uint8_t>> taken;
    for(const auto object : find_objects(session, search_for(CKO_PRIVATE_KEY, {}))) {
        ListedKey key;
        key.label = label_of(session, object);
        key.id = id_of(session, object);
        if(const auto found = public_keys.find(key.id); found != public_keys.end() && !key.id.empty()) {
            key.public_key = found->second.public_key;
        }
        key.extractable = read_flag(session, object, CKA_EXTRACTABLE).value_or(false);
        key.sensitive = read_flag(session, object, CKA_SENSITIVE).value_or(true);
        taken.insert(key.id);
        keys.push_back(std::move(key));
    }
    for(auto& [id, key] : public_keys) {
        if(!taken.contains(id) && key.public_key) {
            keys.push_back(std::move(key));
        }
    }
    std::ranges::sort(keys, [](const ListedKey& a, const ListedKey& b) {
        return std::tie(a.label, a.id) < std::tie(b.label, b.id);
    });
    return keys;
}

}  // namespace keyway::pkcs11
