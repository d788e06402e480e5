// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <string>

namespace keyway {

/// A backend that can tell which store it works with, so that two aliases of one store are known to be that; found by dynamic_cast.
/// @threadsafety as KeyBackend
class KEYWAY_API StoreIdentity {
public:
    virtual ~StoreIdentity();

    /// The same for two backends of one type if their store is the same: of a token what it says of itself, of a folder where it is.
    /// For comparing only.
    /// @throws what reaching the store throws: Errc::token_not_found and the like
    [[nodiscard]] virtual std::string store_identity() const = 0;
};

}  // namespace keyway
