// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace keyway::cli {

/// Which input of this call a file is, by device and inode: what a flag or argument names, the settings, what they name, a key of
/// a backend. Nothing when it is none, or not there.
/// @return for messages: `the file of --issuer`
[[nodiscard]] std::optional<std::string> input_that_is(const std::filesystem::path& file, const Session& session,
                                                       const Arguments& arguments);

}  // namespace keyway::cli
