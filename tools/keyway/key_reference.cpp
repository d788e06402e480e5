// SPDX-License-Identifier: BSD-2-Clause
#include "key_reference.hpp"

#include "configuration.hpp"
#include "input_file.hpp"
#include "wrapping_keys.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/paged_key_lister.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace keyway::cli {

namespace {

NamedKey from_reference(const std::string& text) {
    auto ref = KeyRef::parse(text);
    return {ref.backend(), std::move(ref)};
}

/// The backend named before a colon, where the settings have it.
std::optional<BackendAlias> alias_before_colon(const std::string& text, const Settings& settings) {
    const auto name = text.substr(0, text.find(':'));
    for(const auto& [alias, backend] : settings.backends()) {
        if(name.size() < text.size() && alias.str() == name) {
            return alias;
        }
    }
    return std::nullopt;
}

/// What else there is, for the hint of a key that is not found.
std::string candidates(const KeyBackend& backend, const OptionValues& options) {
    constexpr std::size_t most_named = 20;
    std::string list;
    std::size_t keys = 0;
    std::string faults;
    list_pages(backend, options, [&](const KeyListing& page) {
        for(const auto& key : page.keys) {
            if(++keys <= most_named) {
                list += (list.empty() ? "there are: " : ", ") + in_quotes(key.label);
            }
        }
        for(const auto& fault : page.faults) {
            faults += "; not read: " + fault.message();
        }
    });
    if(keys > most_named) {
        list += " and " + std::to_string(keys - most_named) + " more: see `keyway key list`";
    }
    return (list.empty() ? "the backend holds no key" : list) + faults;
}

}  // namespace

NamedKey parse_named_key(const std::string& text, const Settings& settings) {
    if(text.starts_with("keyway:") || text.starts_with('{')) {
        return from_reference(text);
    }
    if(const auto alias = alias_before_colon(text, settings)) {
        auto label = text.substr(text.find(':') + 1);
        if(label.empty()) {
            throw Error(Errc::usage, in_quotes(text) + " names no key of backend " + in_quotes(alias->str()),
                        "give ALIAS:LABEL; a key without a label is named by its reference, which `keyway key list` shows with --json");
        }
        return {*alias, std::move(label)};
    }
    std::error_code error;
    if(std::filesystem::exists(text, error)) {
        return read_input_as(text, [](const auto& bytes) {
            return from_reference(std::string(bytes.begin(), bytes.end()));
        });
    }
    const std::string forms = "give keyway:1?..., a file that holds it, or ALIAS:LABEL";
    if(const auto colon = text.find(':'); colon != std::string::npos && text.find('/') == std::string::npos) {
        const BackendAlias alias(text.substr(0, colon));
        if(settings.backends().empty()) {
            throw Error(Errc::backend_not_found, "there is no backend " + in_quotes(alias.str()),
                        std::string(no_settings_hint));
        }
        static_cast<void>(settings.backend(alias));
    }
    throw Error(Errc::invalid_argument,
                in_quotes(text) + " is no key reference, and no file of that name is there", forms);
}

std::string label_asked_for(const NamedKey& key) {
    const auto* const label = std::get_if<std::string>(&key.key);
    return label == nullptr ? "" : *label;
}

void list_pages(const KeyBackend& backend, const OptionValues& options, const std::function<void(KeyListing page)>& take) {
    if(const auto* const paged = dynamic_cast<const PagedKeyLister*>(&backend)) {
        paged->list_pages(options, take);
    } else {
        take(lister_of(backend).list(options));
    }
}

KeyInfo key_with_label(const KeyBackend& backend, const OptionValues& options, const std::string& label) {
    const auto listing = keys_with_label(backend, options, label);
    const auto& found = listing.keys;
    if(found.size() == 1) {
        return found.front();
    }
    const auto what = in_quotes(label) + " in backend " + in_quotes(backend.alias().str());
    if(found.empty()) {
        // It may be there, and not be read: open to others, damaged.
        for(const auto& fault : listing.faults) {
            for(const auto& name : {"/" + label + ".pem\"", "/" + label + ".der\"", in_quotes(label)}) {
                if(fault.message().find(name) != std::string::npos) {
                    throw Error(fault);
                }
            }
        }
        if(!wrapping_keys_with_label(backend, options, label).empty()) {
            throw Error(Errc::unsupported, "the key " + what + " is an AES key, which wraps other keys and does nothing else",
                        "a database is under it that names it by \"wrapping-key\"; name a key pair")
                .in_backend(backend.alias().str());
        }
        throw Error(Errc::key_not_found, "there is no key " + what, candidates(backend, options))
            .in_backend(backend.alias().str());
    }
    std::string references;
    for(const auto& key : found) {
        references += (references.empty() ? "" : " or ") + key.ref.to_string();
    }
    throw Error(Errc::key_ambiguous, "there are " + std::to_string(found.size()) + " keys " + what,
                "name one by its reference: " + references)
        .in_backend(backend.alias().str());
}

KeyInfo key_of_reference(const KeyBackend& backend, const OptionValues& options, const KeyRef& ref) {
    const auto label = dynamic_cast<const PagedKeyLister*>(&backend) != nullptr ? ref.locator().find("label") : std::nullopt;
    const auto keys = (label ? keys_with_label(backend, options, *label) : lister_of(backend).list(options)).keys;
    // A listing does not know which keys were made in place of others.
    const auto same = std::ranges::find_if(keys, [&](const KeyInfo& key) {
        return key.ref.locator() == ref.locator() && key.ref.fingerprint() == ref.fingerprint();
    });
    if(same != keys.end()) {
        auto found = *same;
        found.ref = ref;
        return found;
    }
    const auto in_place =
        std::ranges::find_if(keys, [&](const KeyInfo& key) { return key.ref.locator() == ref.locator(); });
    if(in_place != keys.end()) {
        throw Error(Errc::key_mismatch,
                    "the key in the place of the reference is another one: its SPKI SHA-256 is " +
                        in_place->ref.fingerprint().to_string(),
                    "the reference is for " + ref.fingerprint().to_string())
            .in_backend(ref.backend().str());
    }
    throw Error(Errc::key_not_found,
                "the backend " + in_quotes(ref.backend().str()) + " has no key for " +
                    in_quotes(ref.to_string()),
                candidates(backend, options))
        .in_backend(ref.backend().str());
}

}  // namespace keyway::cli
