// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/options/option_values.hpp>

#include <optional>

namespace keyway {

/// A backend that can tell whether its store takes changes; found by dynamic_cast.
class KEYWAY_API StoreChecker {
public:
    virtual ~StoreChecker();

    /// Really tries, without leaving anything, whether keys could be added and removed now, and tells what is in the way: a file
    /// system or database that can only be read, no room, nothing there yet.
    /// @param options of phase use
    [[nodiscard]] virtual std::optional<Error> check_writable(const OptionValues& options) const = 0;

    /// Tells what would stand in the way of a new key, without making or leaving anything: its label, its kind, a secret that is
    /// not the store's. Nothing where the backend cannot tell beforehand.
    /// @param phase create or store
    /// @param options of that phase
    [[nodiscard]] virtual std::optional<Error> check_new_key(const KeySpec& key, Phase phase, const OptionValues& options) const;
};

}  // namespace keyway
