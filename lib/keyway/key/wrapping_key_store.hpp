// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/options/option_values.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keyway {

/// What a listing says of one secret key that wraps other keys.
struct WrappingKeyInfo {
    std::string label;
    std::string id;    ///< tells keys of one label apart: in a token CKA_ID, in hexadecimal
    std::string type;  ///< "aes-256"

    /// Further facts in the order in which they are shown: ("extractable", "no").
    std::vector<std::pair<std::string, std::string>> attributes;
};

/// A backend that holds secret keys which wrap other keys, and do nothing else: AES keys in a token. They have no public half, and
/// so no reference: they are told by their label. Found by dynamic_cast.
/// @threadsafety as KeyBackend
class KEYWAY_API WrappingKeyStore {
public:
    virtual ~WrappingKeyStore();

    /// @param options of phase use
    /// @return null when there is no secret key of that label
    /// @throws Errc::key_ambiguous; Errc::unsupported when it may not wrap and unwrap; what reaching the store throws
    [[nodiscard]] virtual std::unique_ptr<KeyWrapper> open_wrapping_key(const std::string& label,
                                                                        const OptionValues& options) const = 0;

    /// Makes an AES key of 256 bits that wraps and unwraps, does nothing else, and does not leave the store. Of those who make one
    /// of the same label at the same time, one succeeds at most, and the others leave nothing.
    /// @param options of phase use
    /// @throws Errc::invalid_option when the label is none for a key; Errc::already_exists when it is taken, by a key pair also; Errc::unsupported when the store does not make such
    ///         keys
    virtual WrappingKeyInfo create_wrapping_key(const std::string& label, const OptionValues& options) = 0;

    /// Why no such key of this label could be made, as far as that can be told without making it.
    /// @param options of phase use
    [[nodiscard]] virtual std::optional<Error> check_new_wrapping_key(const std::string& label, const OptionValues& options) const = 0;

    /// The keys that may wrap and unwrap, by label.
    /// @param options of phase use
    /// @throws what reaching the store throws
    [[nodiscard]] virtual std::vector<WrappingKeyInfo> list_wrapping_keys(const OptionValues& options) const = 0;

    /// Destroys the key of that label and id, and no other. What it has wrapped is lost.
    /// @param options of phase use
    /// @throws Errc::key_not_found, Errc::key_ambiguous; what reaching the store throws
    virtual void remove_wrapping_key(const WrappingKeyInfo& key, const OptionValues& options) = 0;
};

}  // namespace keyway
