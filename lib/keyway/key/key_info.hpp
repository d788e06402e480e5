// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/key/key_ref.hpp>

#include <string>
#include <utility>
#include <vector>

namespace keyway {

/// What a listing says of one key.
struct KeyInfo {
    KeyRef ref;
    std::string label;  ///< the name people know it by

    /// Further facts in the order in which they are shown: ("extractable", "no"), ("file", "/keys/root.pem").
    std::vector<std::pair<std::string, std::string>> attributes;
};

/// What a backend holds: the keys, and what stands among them but cannot be told to be one.
struct KeyListing {
    std::vector<KeyInfo> keys;  ///< by label

    /// One for each file, row or object that cannot be listed; its message names the thing. Looking at the others is not
    /// stopped by it.
    std::vector<Error> faults;
};

}  // namespace keyway
