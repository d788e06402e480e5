// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
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
};

}  // namespace keyway
