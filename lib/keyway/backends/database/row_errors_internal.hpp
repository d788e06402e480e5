// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

#include <string>

namespace keyway {

// What is wrong with the row of a key. `where` is the database, for messages.

/// @param alias of the backend whose listing tells what there is
[[nodiscard]] Error no_such_row(const std::string& label, const std::string& where, const std::string& alias);

[[nodiscard]] Error damaged_row(const std::string& label, const std::string& where);

/// @param found SPKI SHA-256 of the key that has the label
/// @param meant that of the reference
[[nodiscard]] Error row_of_another_key(const std::string& label, const std::string& where, const std::string& found, const std::string& meant);

}  // namespace keyway
