// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/api.hpp>
#include <keyway/key/backend_registry.hpp>
#include <keyway/key/key_backend.hpp>

#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace Botan {
class Private_Key;
}

namespace keyway {

/// The backend types that come with Keyway: hsm, file and database. One that the build is without is among its left_out().
[[nodiscard]] KEYWAY_API BackendRegistry standard_backends();

/// The door to everything: from settings to backends to keys.
///
/// @threadsafety safe
class KEYWAY_API Keyring {
public:
    /// @param context how secrets are read and what time it is; where it has no wrappers, the keys of all backends are
    /// @param backends the types to choose from; add your own to standard_backends()
    explicit Keyring(Settings settings, BackendContext context = {}, BackendRegistry backends = standard_backends());
    Keyring(const Keyring&) = delete;
    Keyring& operator=(const Keyring&) = delete;
    ~Keyring();

    /// The backend of an alias, opened at the first call and kept.
    /// @throws Errc::backend_not_found, Errc::invalid_option
    [[nodiscard]] KeyBackend& backend(const BackendAlias& alias);

    /// The backend that the settings name as the default one, or their only one.
    /// @throws Errc::backend_not_found when they name none
    [[nodiscard]] KeyBackend& default_backend();

    /// Options for a call to a backend, from names and texts.
    /// @throws Errc::invalid_option when one is unknown, misplaced or malformed
    [[nodiscard]] OptionValues options(
        const BackendAlias& alias,
        Phase phase,
        std::initializer_list<std::pair<std::string_view, std::string_view>> values) const;

    /// The backend for new keys of a purpose: what the settings name for it, else their default one.
    /// @throws Errc::backend_not_found when they name none
    [[nodiscard]] BackendAlias backend_for(KeyPurpose purpose) const;

    /// Makes a key for a purpose, in that backend or, where it cannot be reached and the settings name a fallback for the
    /// purpose, in the fallback. The result says so, the reference says so from then on, and the observer is told ("create").
    ///
    /// Not reached is Errc::token_not_found. Nothing else falls back: no wrong PIN, no label in use, no kind of key that the
    /// backend cannot hold, no wait that ended. Keys of KeyPurpose::ca never do.
    /// @param options of phase create, for `alias`
    /// @param fallback_options of phase create, for the fallback; where they name no label, it gets the one of `options`
    /// @throws as KeyBackend::create; Errc::invalid_option when the settings name a fallback for CA keys
    [[nodiscard]] CreatedKey create(const BackendAlias& alias,
                                    KeyPurpose purpose,
                                    const KeySpec& spec,
                                    const OptionValues& options,
                                    const OptionValues& fallback_options = {});

    /// Opens the key of a reference in the backend that the reference names.
    /// @param options of phase use
    /// @throws as KeyBackend::use
    [[nodiscard]] std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const OptionValues& options = {});

    /// Opens many keys, of any backends; those of a KeyBulkOpener with one look at its store. A key or backend that fails
    /// does not stop the others.
    /// @param options of phase use, for each backend that the references name
    /// @return for each reference, in the same order
    [[nodiscard]] std::vector<OpenedKey> use_all(std::span<const KeyRef> refs, const OptionValues& options = {});

    /// Whether the settings have the backend of a wrapping key, as one whose keys may wrap others; nothing is reached.
    /// @throws Errc::backend_not_found; Errc::invalid_option when its keys are under a wrapping key themselves
    void require_wrapping_backend(const WrappingKeyName& name) const;

    /// Opens the key by which another backend's keys are wrapped: what the option "wrapping-key" names.
    /// @throws as require_wrapping_backend; Errc::key_not_found; Errc::key_ambiguous when several keys have the label, an AES key and an
    ///         RSA key pair, say; Errc::unsupported when it cannot wrap; what reaching the store throws
    [[nodiscard]] std::unique_ptr<KeyWrapper> open_wrapper(const WrappingKeyName& name);

    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    [[nodiscard]] const BackendRegistry& backends() const noexcept { return backends_; }

private:
    struct Fallbacks;

    void tell_opened(const KeyRef& ref);
    void tell_if_opened(const KeyRef& ref, OpenedKey& opened);
    [[nodiscard]] CreatedKey create_in_fallback(const KeyFallback& fallback,
                                                const KeySpec& spec,
                                                const OptionValues& options,
                                                const OptionValues& fallback_options);

    Settings settings_;
    std::shared_ptr<Fallbacks> fallbacks_;  ///< shared with the observer that the backends have
    BackendContext context_;
    BackendRegistry backends_;
    std::mutex mutex_;
    std::map<BackendAlias, std::unique_ptr<KeyBackend>> open_;
};

}  // namespace keyway
