// SPDX-License-Identifier: BSD-2-Clause
#include "wrapping_keys.hpp"

#include "json_output.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/key/store_identity.hpp>
#include <keyway/key/wrapping_key_name.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

namespace keyway::cli {

namespace {

/// Whether the stores of two backends of one type, neither of which tells what it is, may be the same one.
bool may_be_same_place(const BackendSettings& one, const BackendSettings& other) {
    const auto a = one.options.find("path");
    const auto b = other.options.find("path");
    if(a == one.options.end() || b == other.options.end()) {
        return (a == one.options.end()) == (b == other.options.end());  // a server may go by many names
    }
    std::error_code error;
    const auto canonical = [&](const std::string& path) { return std::filesystem::weakly_canonical(path, error); };
    return canonical(a->second.value) == canonical(b->second.value) || error;
}

bool is_same_store(Session& session, const BackendAlias& one, const BackendAlias& other) {
    const auto& settings = session.configuration().settings;
    const auto& first = settings.backend(one);
    const auto& second = settings.backend(other);
    if(one == other || first.type != second.type) {
        return one == other;
    }
    const auto* const a = dynamic_cast<const StoreIdentity*>(&session.backend(one));
    const auto* const b = dynamic_cast<const StoreIdentity*>(&session.backend(other));
    return a == nullptr || b == nullptr ? may_be_same_place(first, second) : a->store_identity() == b->store_identity();
}

/// Whether the name may be the key's, in whichever store.
bool names(const WrappingKeyName& name, const EndangeredKey& key) {
    if(name.ref()) {
        return key.ref && key.ref->fingerprint() == name.ref()->fingerprint();
    }
    return key.label == name.label();
}

/// Whether the store of a backend is under the key now, whatever its settings say. One that cannot be reached says nothing: what its
/// settings say counts then.
/// @param named by its settings, which is not the key itself: where that one opens the store as well, as a copy does, nothing is lost
bool is_under(Session& session, const BackendAlias& alias, const EndangeredKey& key, const std::optional<WrappingKeyName>& named) {
    const auto* const store = dynamic_cast<const KeyRewrapper*>(&session.backend(alias));
    if(store == nullptr) {
        return false;
    }
    std::vector<WrappedBy> by;
    try {
        by = store->wrapped_by(session.options_for_use(alias));
    } catch(const Error&) {
        return false;
    }
    const auto is_by = [&](const WrappedBy& one) {
        if(key.ref) {
            return key.ref->fingerprint().to_string() == one.fingerprint;
        }
        if(!one.mechanism.starts_with("AES-")) {
            return false;
        }
        const auto& holder = dynamic_cast<const WrappingKeyStore&>(session.backend(key.backend));
        const auto wrapper = holder.open_wrapping_key(key.label, session.options_for_use(key.backend));
        return wrapper && wrapper->fingerprint(one.mechanism) == one.fingerprint;
    };
    const auto is_opened_by_named = [&](const WrappedBy& one) {
        try {
            return named && session.open_wrapper(*named)->fingerprint(one.mechanism) == one.fingerprint;
        } catch(const Error&) {
            return false;
        }
    };
    return std::ranges::any_of(by, [&](const WrappedBy& one) { return is_by(one) && !is_opened_by_named(one); });
}

}  // namespace

std::vector<WrappingKeyInfo> wrapping_keys_in(const KeyBackend& backend, const OptionValues& options) {
    const auto* const store = dynamic_cast<const WrappingKeyStore*>(&backend);
    return store == nullptr ? std::vector<WrappingKeyInfo>{} : store->list_wrapping_keys(options);
}

std::vector<WrappingKeyInfo> wrapping_keys_with_label(const KeyBackend& backend, const OptionValues& options,
                                                      const std::string& label) {
    auto keys = wrapping_keys_in(backend, options);
    std::erase_if(keys, [&](const WrappingKeyInfo& key) { return key.label != label; });
    return keys;
}

Json json_of(const BackendAlias& alias, const WrappingKeyInfo& key) {
    return {{"name", WrappingKeyName(alias, key.label).to_string()},
            {"type", key.type},
            {"purpose", "wrapping"},
            {"backend", alias.str()},
            {"label", key.label},
            {"attributes", json_of_attributes(key.attributes)}};
}

std::vector<std::string> opened_by(Session& session, const EndangeredKey& key) {
    std::vector<std::string> opened;
    if(key.ref && key.ref->key().type() != KeyType::rsa) {
        return opened;  // it wraps nothing
    }
    for(const auto& [alias, backend] : session.configuration().settings.backends()) {
        const auto option = backend.options.find("wrapping-key");
        try {
            const auto name = option == backend.options.end() ? std::nullopt : std::optional(WrappingKeyName::parse(option->second.value));
            if((name && names(*name, key) && is_same_store(session, name->backend(), key.backend)) || is_under(session, alias, key, name)) {
                opened.push_back(alias.str());
            }
        } catch(const Error& error) {
            throw Error(Errc::usage,
                        "whether the key " + in_quotes(key.label) + " is the wrapping key of backend " + in_quotes(alias.str()) +
                            " cannot be told: " + error.message(),
                        error.hint());
        }
    }
    return opened;
}

void require_no_wrapping_key(Session& session, const EndangeredKey& key, const std::string& hint) {
    std::string opened;
    try {
        for(const auto& alias : opened_by(session, key)) {
            opened += (opened.empty() ? "" : ", ") + in_quotes(alias);
        }
    } catch(const Error& error) {
        throw Error(error.code(), error.message(), hint);
    }
    if(!opened.empty()) {
        throw Error(Errc::usage,
                    "the key " + in_quotes(key.label) + " is the wrapping key of " + opened +
                        ": without it no key there can be opened",
                    hint);
    }
}

}  // namespace keyway::cli
