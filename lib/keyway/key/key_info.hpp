// SPDX-License-Identifier: BSD-2-Clause
#pragma once

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

}  // namespace keyway
