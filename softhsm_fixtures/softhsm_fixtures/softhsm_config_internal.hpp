// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>

namespace softhsm_fixtures::internal {

/// Makes SoftHSM's folder for tokens, and a configuration that names it.
///
/// @throws FixtureError when they cannot be made, or SoftHSM could not read the path from its configuration
void make_softhsm_config(const std::filesystem::path& config, const std::filesystem::path& tokens);

} // namespace softhsm_fixtures::internal
