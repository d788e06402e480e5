// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/hex.h>
#include <botan/pk_keys.h>

#include <algorithm>

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

void require_free_label(const Session& session, const std::string& label, std::string_view token_name) {
    const KeySelector selector{.id = std::nullopt, .label = label};
    auto taken = find_objects(session, search_for(CKO_PRIVATE_KEY, selector));
    if(taken.empty()) {
        taken = find_objects(session, search_for(CKO_PUBLIC_KEY, selector));
    }
    if(!taken.empty()) {
        throw Error(Errc::already_exists,
                    std::string(token_name) + " has a key " + selector.to_string() + " already",
                    "choose another label, or remove that key first");
    }
}

void destroy_key(const Session& session, const FoundKey& key) {
    const auto destroy = [&](CK_OBJECT_HANDLE object, std::string_view what) {
        if(const auto result = session.calls().C_DestroyObject(session.handle(), object); result != CKR_OK) {
            throw call_failed(result, what);
        }
    };
    destroy(key.private_object, "destroy the private key object");
    for(const auto object : key.public_objects) {
        destroy(object, "destroy the public key object (the private key is gone)");
    }
}

std::vector<ListedKey> list_keys(const Session& session) {
    // The public keys are read in one search: a search for each private key would make a listing quadratic.
    std::map<std::vector<std::uint8_t>, std::shared_ptr<const Botan::Public_Key>> by_id;
    for(const auto object : find_objects(session, search_for(CKO_PUBLIC_KEY, {}))) {
        try {
            std::shared_ptr<const Botan::Public_Key> key = read_public_key(session, object);
            if(key) {
                static_cast<void>(KeySpec::of(*key));
                by_id.emplace(id_of(session, object), std::move(key));
            }
        } catch(const Error& error) {
            // A key that Keyway cannot use, or one that another program wrote badly, does not hide the others.
            if(error.code() != Errc::malformed_data && error.code() != Errc::unsupported) {
                throw;
            }
        }
    }
    std::vector<ListedKey> keys;
    for(const auto object : find_objects(session, search_for(CKO_PRIVATE_KEY, {}))) {
        ListedKey key;
        key.label = label_of(session, object);
        key.id = id_of(session, object);
        if(const auto found = by_id.find(key.id); found != by_id.end() && !key.id.empty()) {
            key.public_key = found->second;
        }
        key.extractable = read_flag(session, object, CKA_EXTRACTABLE).value_or(false);
        key.sensitive = read_flag(session, object, CKA_SENSITIVE).value_or(true);
        keys.push_back(std::move(key));
    }
    std::ranges::sort(keys, [](const ListedKey& a, const ListedKey& b) {
        return std::tie(a.label, a.id) < std::tie(b.label, b.id);
    });
    return keys;
}

}  // namespace keyway::pkcs11
