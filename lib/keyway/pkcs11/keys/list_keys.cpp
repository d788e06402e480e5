// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_search_internal.hpp>

#include <botan/pk_keys.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// By what the objects of a pair are told to belong together: CKA_ID, or the label where there is none.
struct PairName {
    Bytes id;
    std::string label;  // empty where there is an id

    PairName(const Bytes& object_id, const std::string& object_label)
        : id(object_id), label(object_id.empty() ? object_label : std::string{}) {}

    [[nodiscard]] KeySelector selector() const {
        return id.empty() ? KeySelector{.id = std::nullopt, .label = label} : KeySelector{.id = id, .label = std::nullopt};
    }
    friend auto operator<=>(const PairName&, const PairName&) = default;
};

/// The key objects of a token, each read once.
class KeyObjects {
public:
    struct Object {
        CK_OBJECT_HANDLE handle;
        Attributes values;
    };

    /// @param of_private what to read of private keys, CKA_ID among it
    KeyObjects(const Session& session, const std::vector<CK_ATTRIBUTE_TYPE>& of_private) : session_(&session) {
        for(const auto object : find_objects(session, search_for(CKO_PRIVATE_KEY, {}))) {
            privates_.push_back({object, read_attributes(session, object, of_private)});
        }
        KeyObjectReader reader(session, {CKA_ID, CKA_LABEL});
        for(const auto object : find_objects(session, search_for(CKO_PUBLIC_KEY, {}))) {
            auto values = reader.read(object);
            const PairName name(values.bytes(CKA_ID), values.text(CKA_LABEL));
            publics_[name].push_back({object, std::move(values)});
        }
    }

    [[nodiscard]] const std::vector<Object>& privates() const noexcept { return privates_; }
    [[nodiscard]] const std::map<PairName, std::vector<Object>>& publics() const noexcept { return publics_; }

    [[nodiscard]] std::span<const Object> publics_of(const PairName& name) const {
        const auto found = publics_.find(name);
        return found == publics_.end() ? std::span<const Object>{} : std::span<const Object>(found->second);
    }

    /// What shows the public key of a pair; the private object and certificates are asked only where no public object does.
    [[nodiscard]] PublicKeySources sources_of(const PairName& name, CK_OBJECT_HANDLE private_object) {
        PublicKeySources sources;
        for(const auto& object : publics_of(name)) {
            sources.add_public(*session_, object.handle, object.values);
        }
        if(!sources.key() && private_object != CK_INVALID_HANDLE) {
            sources.add_private(*session_, private_object);
        }
        if(!sources.key() && private_object != CK_INVALID_HANDLE && !name.id.empty()) {
            for(const auto object : certificates_of(name.id)) {
                sources.add_certificate(*session_, object);
            }
        }
        return sources;
    }

private:
    [[nodiscard]] const std::vector<CK_OBJECT_HANDLE>& certificates_of(const Bytes& id) {
        if(!certificates_) {
            certificates_.emplace();
            constexpr std::array<CK_ATTRIBUTE_TYPE, 1> wanted{CKA_ID};
            for(const auto object : find_objects(*session_, search_for(CKO_CERTIFICATE, {}))) {
                (*certificates_)[read_attributes(*session_, object, wanted).bytes(CKA_ID)].push_back(object);
            }
        }
        return (*certificates_)[id];
    }

    const Session* session_;
    std::vector<Object> privates_;
    std::map<PairName, std::vector<Object>> publics_;
    std::optional<std::map<Bytes, std::vector<CK_OBJECT_HANDLE>>> certificates_;  // listed when first needed
};

/// The public key for a listing, or why there is none that can be used: neither is to hide the others of the listing.
void take_public_key(ListedKey& key, const PublicKeySources& sources, const KeySelector& which) {
    try {
        sources.require_one(which, "it");
        static_cast<void>(KeySpec::of(*sources.key()));
        key.public_key = sources.key();
    } catch(const Error& error) {
        key.fault = error;
    }
}

/// Finds many keys among the objects of a token.
class ManyKeys {
public:
    ManyKeys(const Session& session, bool by_label, std::string_view token_name)
        : session_(&session), token_name_(token_name), objects_(session, attributes(by_label)) {
        for(const auto& object : objects_.privates()) {
            by_id_[object.values.bytes(CKA_ID)].push_back(&object);
        }
    }

    [[nodiscard]] FoundKey find(const WantedKey& wanted) {
        const auto& selector = wanted.selector;
        const auto fitting = privates_for(selector);
        if(fitting.empty()) {
            throw no_private_key(selector, all_candidates(), token_name_);
        }
        if(fitting.size() > 1) {
            std::vector<CK_OBJECT_HANDLE> handles;
            std::ranges::transform(fitting, std::back_inserter(handles), &KeyObjects::Object::handle);
            throw several_private_keys(fitting.size(), selector, candidates(*session_, handles), token_name_);
        }
        const auto& object = *fitting.front();
        FoundKey found;
        found.private_object = object.handle;
        found.id = object.values.bytes(CKA_ID);
        found.label = object.values.text(CKA_LABEL);
        found.may_sign = object.values.flag(CKA_SIGN).value_or(true);
        found.may_decrypt = object.values.flag(CKA_DECRYPT).value_or(true);
        found.may_derive = object.values.flag(CKA_DERIVE).value_or(true);
        found.always_authenticate = object.values.flag(CKA_ALWAYS_AUTHENTICATE).value_or(false);

        const PairName name(found.id, found.id.empty() ? label_of(object) : std::string{});
        const auto sources = objects_.sources_of(name, object.handle);
        sources.require_one(name.selector(), token_name_);
        if(*sources.fingerprint() != wanted.fingerprint) {
            throw another_key(selector, *sources.fingerprint(), wanted.fingerprint, token_name_);
        }
        std::ranges::transform(objects_.publics_of(name), std::back_inserter(found.public_objects),
                               &KeyObjects::Object::handle);
        found.public_key = sources.key();
        return found;
    }

private:
    using Objects = std::vector<const KeyObjects::Object*>;

    static std::vector<CK_ATTRIBUTE_TYPE> attributes(bool by_label) {
        std::vector<CK_ATTRIBUTE_TYPE> types{CKA_ID, CKA_SIGN, CKA_DECRYPT, CKA_DERIVE, CKA_ALWAYS_AUTHENTICATE};
        if(by_label) {
            types.push_back(CKA_LABEL);
        }
        return types;
    }

    [[nodiscard]] std::string label_of(const KeyObjects::Object& object) const {
        if(object.values.find(CKA_LABEL) != nullptr) {
            return object.values.text(CKA_LABEL);
        }
        constexpr std::array<CK_ATTRIBUTE_TYPE, 1> label{CKA_LABEL};
        return read_attributes(*session_, object.handle, label).text(CKA_LABEL);
    }

    /// Whether the one private key of an id has this label. What its public objects say is believed: each has to be read
    /// anyway, and the label of a private object costs SoftHSM a decryption.
    [[nodiscard]] bool has_label(const KeyObjects::Object& object, const std::string& label) const {
        const auto publics = objects_.publics_of(PairName(object.values.bytes(CKA_ID), {}));
        const auto has_it = [&](const KeyObjects::Object& other) { return other.values.text(CKA_LABEL) == label; };
        return (!publics.empty() && std::ranges::all_of(publics, has_it)) || label_of(object) == label;
    }

    [[nodiscard]] Objects privates_for(const KeySelector& selector) const {
        Objects fitting;
        if(selector.id) {
            const auto found = by_id_.find(*selector.id);
            if(found != by_id_.end()) {
                fitting = found->second;
            }
        } else {
            for(const auto& object : objects_.privates()) {
                fitting.push_back(&object);
            }
        }
        if(selector.label && fitting.size() == 1) {
            std::erase_if(fitting, [&](const auto* object) { return !has_label(*object, *selector.label); });
        } else if(selector.label) {
            std::erase_if(fitting, [&](const auto* object) { return label_of(*object) != *selector.label; });
        }
        return fitting;
    }

    /// Made once, however many keys are missing.
    [[nodiscard]] const std::string& all_candidates() {
        if(!all_candidates_) {
            std::vector<CK_OBJECT_HANDLE> handles;
            std::ranges::transform(objects_.privates(), std::back_inserter(handles), &KeyObjects::Object::handle);
            all_candidates_ = candidates(*session_, handles);
        }
        return *all_candidates_;
    }

    const Session* session_;
    std::string_view token_name_;
    KeyObjects objects_;
    std::map<Bytes, Objects> by_id_;
    std::optional<std::string> all_candidates_;
};

/// The error is about the one key, not about the token.
bool is_of_one_key(const Error& error) {
    constexpr std::array codes{Errc::key_not_found, Errc::key_ambiguous, Errc::key_mismatch, Errc::malformed_data,
                               Errc::unsupported};
    return std::ranges::find(codes, error.code()) != codes.end();
}

}  // namespace

std::vector<std::variant<FoundKey, Error>> find_keys(const Session& session,
                                                     std::span<const WantedKey> wanted,
                                                     std::string_view token_name) {
    std::vector<std::variant<FoundKey, Error>> out;
    out.reserve(wanted.size());
    const auto take = [&](const auto& find) {
        for(const auto& key : wanted) {
            try {
                out.emplace_back(find(key));
            } catch(const Error& error) {
                if(!is_of_one_key(error)) {
                    throw;
                }
                out.emplace_back(error);
            }
        }
    };
    // A listing reads each object of the token: for a few keys, searches cost less.
    constexpr std::size_t few = 3;
    if(wanted.size() <= few) {
        take([&](const WantedKey& key) { return find_key(session, key.selector, key.fingerprint, token_name); });
        return out;
    }
    ManyKeys many(session, std::ranges::any_of(wanted, [](const WantedKey& key) { return !key.selector.id; }), token_name);
    take([&](const WantedKey& key) { return many.find(key); });
    return out;
}

std::vector<ListedKey> list_keys(const Session& session) {
    KeyObjects objects(session, {CKA_ID, CKA_LABEL, CKA_EXTRACTABLE, CKA_SENSITIVE});
    std::vector<ListedKey> keys;
    std::set<PairName> taken;
    for(const auto& object : objects.privates()) {
        ListedKey key;
        key.label = object.values.text(CKA_LABEL);
        key.id = object.values.bytes(CKA_ID);
        key.extractable = object.values.flag(CKA_EXTRACTABLE).value_or(false);
        key.sensitive = object.values.flag(CKA_SENSITIVE).value_or(true);
        const PairName name(key.id, key.label);
        take_public_key(key, objects.sources_of(name, object.handle), name.selector());
        taken.insert(name);
        keys.push_back(std::move(key));
    }
    for(const auto& [name, publics] : objects.publics()) {
        if(taken.contains(name)) {
            continue;
        }
        ListedKey key;
        key.has_private = false;
        key.label = publics.back().values.text(CKA_LABEL);
        key.id = name.id;
        take_public_key(key, objects.sources_of(name, CK_INVALID_HANDLE), name.selector());
        if(key.public_key) {
            keys.push_back(std::move(key));
        }
    }
    std::ranges::sort(keys, [](const ListedKey& a, const ListedKey& b) {
        return std::tie(a.label, a.id) < std::tie(b.label, b.id);
    });
    return keys;
}

}  // namespace keyway::pkcs11
