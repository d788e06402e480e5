// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/key_info.hpp>
#include <keyway/key/wrapping_key_store.hpp>

#include <string>
#include <string_view>

namespace keyway {

/// Which keys of a listing are meant: by kind and label, each where `*` stands for any text, also for none.
/// @threadsafety immutable
class KEYWAY_API KeyFilter {
public:
    /// Takes every key.
    KeyFilter() = default;

    /// @param type in any spelling that KeySpec::parse takes ("P-256"), the families "rsa" and "aes", "aes-256" for a secret key, or with
    ///        `*` ("brainpool-*")
    /// @throws Errc::unsupported when there is no such kind of key
    [[nodiscard]] KeyFilter with_type(std::string_view type) const;

    /// @param label whole, upper and lower case told apart; "root-*"
    [[nodiscard]] KeyFilter with_label(std::string_view label) const;

    [[nodiscard]] bool takes(const KeyInfo& key) const;
    [[nodiscard]] bool takes(const WrappingKeyInfo& key) const;

    /// The keys that it takes, in their order; all faults, as nobody knows what they are.
    [[nodiscard]] KeyListing of(KeyListing listing) const;

private:
    std::string type_ = "*";
    std::string label_ = "*";
};

}  // namespace keyway
