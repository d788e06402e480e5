// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>
#include <keyway/key/wrapping_key_name.hpp>
#include <keyway/options/option_values.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>
#include <string>

namespace keyway {

/// How far a change of the key that all keys of a store are encrypted under has come.
struct RewrapProgress {
    std::uint64_t done = 0;   ///< keys
    std::uint64_t total = 0;  ///< keys, those done included
};

/// What is to change.
struct RewrapRequest {
    /// The store's passphrase from now on; nothing to keep it (for another cost of guessing it, as the settings say).
    std::optional<Secret> new_passphrase{};

    /// In place of a passphrase: the key of another backend by which the new key-encryption key is wrapped. Nothing, and no new
    /// passphrase: the one that the settings name, or else the passphrase.
    std::optional<WrappingKeyName> new_wrapping_key{};

    std::size_t batch = 50;  ///< so many keys are changed at a time, all of them or none: little enough for a slow network

    /// Told after each batch, where there is one.
    std::function<void(const RewrapProgress&)> progress{};
};

/// What has been done.
struct RewrapResult {
    std::uint64_t rewrapped = 0;  ///< keys
    bool resumed = false;         ///< what an earlier call had begun was brought to its end, and nothing new begun
    bool is_empty = false;        ///< nothing was changed: the store gets its key-encryption key with its first key
};

/// A key of another backend that the keys of a store are under.
struct WrappedBy {
    std::string fingerprint;  ///< KeyWrapper::fingerprint: of an RSA key the SPKI SHA-256 in hexadecimal
    std::string mechanism;    ///< WrappedKey::mechanism, which that was asked for with
};

/// A backend that can encrypt all its keys under a new key-encryption key, without touching the keys themselves; found by
/// dynamic_cast.
class KeyRewrapper {
public:
    virtual ~KeyRewrapper() = default;

    /// Makes a new key-encryption key, puts all keys under it, and forgets the old one. Keys are used and made meanwhile:
    /// the new passphrase opens all of them from the beginning on, the old one those that are not done yet. When it is
    /// stopped, the next call goes on, for which the new passphrase is enough; where the settings name a wrapping key, and what
    /// was begun was for a passphrase, all keys go under that key then. A store without keys has nothing to be changed.
    ///
    /// @param options of phase use: where the old passphrase is
    /// @throws Errc::passphrase_incorrect; Errc::malformed_data when rows do not open, which then stay as they were, under
    ///         the old key
    virtual RewrapResult rewrap(const RewrapRequest& request, const OptionValues& options) = 0;

    /// How many keys such a call would put under a new key-encryption key. The secrets it needs are tried; nothing is changed.
    /// @throws as rewrap
    [[nodiscard]] virtual std::uint64_t keys_to_rewrap(const RewrapRequest& request, const OptionValues& options) const = 0;

    /// The keys without which those of the store cannot be opened, whatever the settings name: none where there is a passphrase.
    /// @param options of phase use
    /// @throws what reaching the store throws
    [[nodiscard]] virtual std::vector<WrappedBy> wrapped_by(const OptionValues& options) const {
        static_cast<void>(options);
        return {};
    }
};

}  // namespace keyway
