// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/options/option_values.hpp>

#include <memory>
#include <string>

namespace keyway {

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

    /// Makes an AES key of 256 bits that wraps and unwraps, does nothing else, and does not leave the store.
    /// @param options of phase use
    /// @throws Errc::already_exists when the label is taken; Errc::unsupported when the store does not make such keys
    virtual void create_wrapping_key(const std::string& label, const OptionValues& options) = 0;
};

}  // namespace keyway
