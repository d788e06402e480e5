// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/private_file_internal.hpp>
#include <softhsm_fixtures/softhsm_store.hpp>

#include <cstddef>
#include <filesystem>

namespace softhsm_fixtures::internal {

/// What PINs a module takes, in bytes.
struct PinLimits {
    std::size_t shortest = 4;
    std::size_t longest = 255;
};

/// Label, PINs and the paths of their files in `folder`, which are not written yet; no serial.
///
/// @throws InvalidOption when the label does not fit a token, or a PIN length is beyond the limits
[[nodiscard]] TokenDetails new_details(const TokenOptions& options, const PinLimits& limits,
                                       const std::filesystem::path& folder);

/// Makes a folder of mode 0700.
///
/// @throws FixtureError when it cannot
void make_private_folder(const std::filesystem::path& path);

} // namespace softhsm_fixtures::internal
