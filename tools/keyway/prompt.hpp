// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret_source.hpp>

#include <string>

namespace keyway::cli {

/// How often a secret is asked for.
enum class Asking {
    once,
    twice,  ///< a new one: a slip of the finger would shut its owner out
};

/// Reads secrets from the environment, files, descriptors, and from the controlling terminal without echo.
[[nodiscard]] SecretReader secret_reader(Asking asking);

/// Whether there is a controlling terminal to ask on.
[[nodiscard]] bool can_ask();

/// Asks a yes-or-no question on the controlling terminal; anything but yes is no.
/// @throws Errc::usage when there is no terminal
[[nodiscard]] bool confirm(const std::string& question);

}  // namespace keyway::cli
