// SPDX-License-Identifier: BSD-2-Clause
#include "key_reference.hpp"

#include "input_file.hpp"

#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace keyway::cli {

namespace {

std::string file_content(const std::string& path) {
    const auto bytes = read_input(path);
    return {bytes.begin(), bytes.end()};
}

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

std::string labels(const std::vector<KeyInfo>& keys) {
    std::string list;
    for(const auto& key : keys) {
        list += (list.empty() ? "" : ", ") + in_quotes(key.label);
    }
    return list;
}

}  // namespace

NamedKey parse_named_key(const std::string& text, const Settings& settings) {
    if(text.starts_with("keyway:") || text.starts_with('{')) {
        return from_reference(text);
    }
    if(const auto alias = alias_before_colon(text, settings)) {
        return {*alias, text.substr(text.find(':') + 1)};
    }
    std::error_code error;
    if(std::filesystem::exists(text, error)) {
        return from_reference(file_content(text));
    }
    const std::string forms = "give keyway:1?..., a file that holds it, or ALIAS:LABEL";
    if(const auto colon = text.find(':'); colon != std::string::npos && text.find('/') == std::string::npos) {
        static_cast<void>(settings.backend(BackendAlias(text.substr(0, colon))));
    }
    throw Error(Errc::invalid_argument, in_quotes(text) + " is no key reference, and no file of that name is there",
                forms);
}

std::vector<KeyInfo> list_keys(const KeyBackend& backend, const OptionValues& options) {
    const auto* const lister = dynamic_cast<const KeyLister*>(&backend);
    if(lister == nullptr) {
        throw Error(Errc::unsupported, "the backend " + in_quotes(backend.alias().str()) + " cannot list its keys",
                    "name the key by its reference");
    }
    return lister->list(options);
}

KeyInfo key_with_label(const std::vector<KeyInfo>& keys, const std::string& label, const BackendAlias& alias) {
    std::vector<KeyInfo> found;
    std::ranges::copy_if(keys, std::back_inserter(found), [&](const KeyInfo& key) { return key.label == label; });
    if(found.size() == 1) {
        return found.front();
    }
    const auto what = in_quotes(label) + " in backend " + in_quotes(alias.str());
    if(found.empty()) {
        throw Error(Errc::key_not_found, "there is no key " + what,
                    keys.empty() ? "the backend holds no key" : "there are: " + labels(keys))
            .in_backend(alias.str());
    }
    std::string candidates;
    for(const auto& key : found) {
        candidates += (candidates.empty() ? "" : " or ") + key.ref.to_string();
    }
    throw Error(Errc::key_ambiguous, "there are " + std::to_string(found.size()) + " keys " + what,
                "name one by its reference: " + candidates)
        .in_backend(alias.str());
}

KeyInfo key_of_reference(const std::vector<KeyInfo>& keys, const KeyRef& ref) {
    if(const auto same = std::ranges::find(keys, ref, &KeyInfo::ref); same != keys.end()) {
        return *same;
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
                "the backend " + in_quotes(ref.backend().str()) + " has no key for " + in_quotes(ref.to_string()),
                keys.empty() ? "the backend holds no key" : "there are: " + labels(keys))
        .in_backend(ref.backend().str());
}

}  // namespace keyway::cli
