// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/api.hpp>
#include <keyway/core/secret.hpp>
#include <keyway/core/secret_source.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/key/spki_fingerprint.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace keyway {

/// What a backend needs to find its key again: names and texts, never a secret.
/// @threadsafety reading from several threads is safe
class KEYWAY_API KeyLocator {
public:
    KeyLocator() = default;

    /// @param name a-z, 0-9 and hyphens; a name that speaks of a secret ("pin") is refused
    /// @param value UTF-8
    /// @throws Errc::invalid_argument
    KeyLocator& set(std::string_view name, std::string_view value);
    KeyLocator& set(std::string_view name, const Secret& value) = delete;
    KeyLocator& set(std::string_view name, const SecretSource& value) = delete;

    [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const noexcept { return values_; }

    friend bool operator==(const KeyLocator&, const KeyLocator&) = default;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

/// Names one key in one backend; kept by the caller for as long as the key lives.
///
/// It says which backend, what kind of key, how to find it, and the fingerprint by which it is known. Format version 1,
/// as one line of text (`keyway:1?backend=hsm&type=hsm&key=p-256&spki-sha256=...&id=01&label=root`) or as JSON; see
/// docs/formats.md. It cannot hold a secret.
/// @threadsafety immutable
class KEYWAY_API KeyRef {
public:
    KeyRef(BackendAlias backend, std::string backend_type, KeySpec key, SpkiFingerprint fingerprint, KeyLocator locator);

    /// Reads either form.
    /// @throws Errc::malformed_data when it is neither, of another version, or has unknown or missing parts
    [[nodiscard]] static KeyRef parse(std::string_view text);

    [[nodiscard]] const BackendAlias& backend() const noexcept { return backend_; }
    [[nodiscard]] const std::string& backend_type() const noexcept { return backend_type_; }
    [[nodiscard]] const KeySpec& key() const noexcept { return key_; }
    [[nodiscard]] const SpkiFingerprint& fingerprint() const noexcept { return fingerprint_; }
    [[nodiscard]] const KeyLocator& locator() const noexcept { return locator_; }

    /// The backend in whose place the key's backend stood in when the key was made; nothing for a key that is where it was
    /// meant to be.
    [[nodiscard]] const std::optional<BackendAlias>& fallback_from() const noexcept { return fallback_from_; }

    /// The same key, made in place of one in that backend.
    [[nodiscard]] KeyRef in_place_of(const BackendAlias& backend) const;

    /// The one-line form.
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] std::string to_json() const;

    friend bool operator==(const KeyRef&, const KeyRef&) = default;

private:
    BackendAlias backend_;
    std::string backend_type_;
    KeySpec key_;
    SpkiFingerprint fingerprint_;
    KeyLocator locator_;
    std::optional<BackendAlias> fallback_from_{};
};

}  // namespace keyway
