// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_backend.hpp>
#include <keyway/key/key_ref.hpp>

#include <functional>
#include <string>
#include <variant>

namespace keyway::cli {

/// A key as the command line names it: by a reference, or by a label that has to be looked up in its backend.
struct NamedKey {
    BackendAlias backend;
    std::variant<KeyRef, std::string> key;
};

/// Reads REF: `keyway:1?...`, the same as JSON, the path of a file that holds either, or `ALIAS:LABEL` with
/// the alias of a backend in the settings.
/// @throws Errc::malformed_data, Errc::invalid_argument, Errc::backend_not_found, Errc::storage_failed
[[nodiscard]] NamedKey parse_named_key(const std::string& text, const Settings& settings);

/// The label that a key is asked for by; empty where it is named by a reference.
[[nodiscard]] std::string label_asked_for(const NamedKey& key);

/// Hands out a backend's listing: in pages where it has such, else whole.
/// @param options of phase use
/// @throws Errc::unsupported when the backend cannot list
void list_pages(const KeyBackend& backend, const OptionValues& options, const std::function<void(KeyListing page)>& take);

/// The one key of that label.
/// @throws Errc::key_not_found, Errc::key_ambiguous with the candidates; Errc::unsupported when it is a secret key
[[nodiscard]] KeyInfo key_with_label(const KeyBackend& backend, const OptionValues& options, const std::string& label);

/// The key of that reference, as a listing has it.
/// @throws Errc::key_not_found; Errc::key_mismatch when another key is in its place
[[nodiscard]] KeyInfo key_of_reference(const KeyBackend& backend, const OptionValues& options, const KeyRef& ref);

}  // namespace keyway::cli
