// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/deadline_internal.hpp>
#include <keyway/pkcs11/keys/key_search_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

namespace keyway::pkcs11 {

namespace {

/// Private ones only: whoever has no PIN can put public objects into many tokens, and would know what is wrapped by his own.
std::vector<CK_OBJECT_HANDLE> aes_keys(const Session& session, const KeySelector& selector) {
    auto wanted = search_for(CKO_SECRET_KEY, selector);
    wanted.add_number(CKA_KEY_TYPE, CKK_AES).add_yes(CKA_PRIVATE);
    return find_objects(session, std::move(wanted));
}

/// Whether the object has gone, as another maker's may at any moment.
bool has_gone(const Error& error) {
    return error.return_value() == return_value_name(CKR_OBJECT_HANDLE_INVALID);
}

Error taken(const Session& session, const KeySelector& selector, const std::vector<CK_OBJECT_HANDLE>& by, std::string_view token_name) {
    std::string which;
    try {
        which = ": " + candidates(session, by);
    } catch(const Error& error) {
        if(!has_gone(error)) {
            throw;
        }
    }
    return {Errc::already_exists, std::string(token_name) + " has a key " + selector.to_string() + " already" + which,
            "choose another label, or remove that key first"};
}

/// CKA_ID; nothing when the object has gone.
std::optional<std::vector<std::uint8_t>> id_of(const Session& session, CK_OBJECT_HANDLE object) {
    try {
        return read_attribute(session, object, CKA_ID).value_or(std::vector<std::uint8_t>{});
    } catch(const Error& error) {
        if(!has_gone(error)) {
            throw;
        }
        return std::nullopt;
    }
}

/// The objects whose label a secret key of the label would be taken for. Public secret keys are nobody's: see aes_keys.
std::vector<CK_OBJECT_HANDLE> with_label(const Session& session, CK_OBJECT_CLASS object_class, const std::string& label) {
    auto wanted = search_for(object_class, {.id = std::nullopt, .label = label});
    if(object_class == CKO_SECRET_KEY) {
        wanted.add_yes(CKA_PRIVATE);
    }
    return find_objects(session, std::move(wanted));
}

void destroy(const Session& session, CK_OBJECT_HANDLE object, const std::string& doing) {
    if(const auto result = session.calls().C_DestroyObject(session.handle(), object); result != CKR_OK) {
        throw call_failed(result, doing);
    }
}

/// The one that fits and may wrap.
CK_OBJECT_HANDLE find_one(const Session& session, const KeySelector& selector, std::string_view token_name) {
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
    constexpr std::array<CK_ATTRIBUTE_TYPE, 2> usage{CKA_WRAP, CKA_UNWRAP};
    const auto values = read_attributes(session, found.front(), usage);
    if(!values.flag(CKA_WRAP).value_or(false) || !values.flag(CKA_UNWRAP).value_or(false)) {
        throw Error(Errc::unsupported,
                    "the AES key " + selector.to_string() + " in " + std::string(token_name) + " may not wrap and unwrap keys",
                    "make one that may: CKA_WRAP and CKA_UNWRAP");
    }
    return found.front();
}

/// How long another maker has to take its key back: one that does not had its label before.
constexpr std::chrono::milliseconds for_the_others{2000};
constexpr std::chrono::milliseconds between_looks{20};

/// SoftHSM: of two processes that made an object in the same moment, the later one may not see the earlier one's, which sees its own.
/// So who sees nobody looks once more.
constexpr std::chrono::milliseconds for_those_who_see_nobody{100};

}  // namespace

void require_free_names(const Session& session, const NewWrappingKey& key, std::string_view token_name) {
    const KeySelector by_label{.id = std::nullopt, .label = key.label};
    for(const auto object_class : {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
        if(const auto by = with_label(session, object_class, key.label); !by.empty()) {
            throw taken(session, by_label, by, token_name);
        }
    }
    const KeySelector by_id{.id = key.id, .label = std::nullopt};
    auto same_id = search_for(CKO_SECRET_KEY, by_id);
    same_id.add_yes(CKA_PRIVATE);
    if(const auto by = find_objects(session, std::move(same_id)); !by.empty()) {
        throw taken(session, by_id, by, token_name);
    }
}

void require_alone(const Session& session, const NewWrappingKey& key, std::string_view token_name) {
    const KeySelector by_label{.id = std::nullopt, .label = key.label};
    const Deadline patience(for_the_others);
    for(int alone = 0;;) {
        // A key pair does not look again, so that it stays.
        if(const auto pairs = with_label(session, CKO_PRIVATE_KEY, key.label); !pairs.empty()) {
            throw taken(session, by_label, pairs, token_name);
        }
        ++alone;
        for(const auto object : with_label(session, CKO_SECRET_KEY, key.label)) {
            const auto id = id_of(session, object);
            if(id == key.id) {
                continue;
            }
            if((id && *id < key.id) || patience.passed()) {
                throw taken(session, by_label, {object}, token_name);
            }
            alone = 0;
        }
        if(alone == 2) {
            return;
        }
        std::this_thread::sleep_for(alone == 0 ? between_looks : for_those_who_see_nobody);
    }
}

CK_OBJECT_HANDLE generate_wrapping_key(const Session& session,
                                       const NewWrappingKey& key,
                                       std::string_view token_name,
                                       NewObjects& made) {
    if(key.bytes != 16 && key.bytes != 24 && key.bytes != 32) {
        throw Error(Errc::invalid_argument, "an AES key has no " + std::to_string(key.bytes) + " bytes", "use 16, 24 or 32");
    }
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
    const auto found = find_one(session, selector, token_name);
    constexpr std::array<CK_ATTRIBUTE_TYPE, 2> policy{CKA_SENSITIVE, CKA_EXTRACTABLE};
    const auto values = read_attributes(session, found, policy);
    if(!values.flag(CKA_SENSITIVE).value_or(true) || values.flag(CKA_EXTRACTABLE).value_or(false)) {
        throw Error(Errc::unsupported,
                    "the AES key " + selector.to_string() + " in " + std::string(token_name) + " may leave the token, so that what it wraps is not safe",
                    "make one that stays: CKA_SENSITIVE, and not CKA_EXTRACTABLE");
    }
    return found;
}

bool has_wrapping_key(const Session& session, const KeySelector& selector) {
    return !aes_keys(session, selector).empty();
}

std::vector<ListedWrappingKey> list_wrapping_keys(const Session& session) {
    constexpr std::array<CK_ATTRIBUTE_TYPE, 7> wanted{CKA_LABEL,     CKA_ID,          CKA_VALUE_LEN, CKA_WRAP,
                                                      CKA_UNWRAP,    CKA_EXTRACTABLE, CKA_SENSITIVE};
    std::vector<ListedWrappingKey> keys;
    for(const auto object : aes_keys(session, {})) {
        const auto values = read_attributes(session, object, wanted);
        if(values.flag(CKA_WRAP).value_or(false) && values.flag(CKA_UNWRAP).value_or(false)) {
            keys.push_back({.label = values.text(CKA_LABEL),
                            .id = values.bytes(CKA_ID),
                            .bytes = values.number(CKA_VALUE_LEN).value_or(0),
                            .extractable = values.flag(CKA_EXTRACTABLE).value_or(false),
                            .sensitive = values.flag(CKA_SENSITIVE).value_or(true)});
        }
    }
    std::ranges::sort(keys, {}, [](const ListedWrappingKey& key) { return std::tie(key.label, key.id); });
    return keys;
}

void destroy_wrapping_key(const Session& session, const KeySelector& selector, std::string_view token_name) {
    destroy(session, find_one(session, selector, token_name),
            "destroy the AES key " + selector.to_string() + " in " + std::string(token_name));
}

void destroy_named(const Session& session, const NewWrappingKey& key) {
    for(const auto object : find_objects(session, search_for(CKO_SECRET_KEY, {.id = key.id, .label = key.label}))) {
        destroy(session, object, "destroy an AES key that is not to be");
    }
}

}  // namespace keyway::pkcs11
