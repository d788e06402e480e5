// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "session.hpp"

namespace keyway::cli {

/// Refuses what would take a key away that opens all keys of a database in the settings.
/// @param label as a listing has it
/// @param hint what can be done
/// @throws Errc::usage with the backends whose "wrapping-key" it is
void require_no_wrapping_key(const Session& session, const KeyRef& key, const std::string& label, const std::string& hint);

}  // namespace keyway::cli
