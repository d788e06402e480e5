// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

#include <span>
#include <string_view>

namespace keyway::cli {

/// What the command tells the shell about one class of errors; scripts rely on the numbers.
struct ExitStatus {
    Errc code;
    int status;
    std::string_view meaning;  ///< one phrase, no full stop
};

/// All classes, in the order of all_errors(). The page docs/errors.md has a heading for each.
[[nodiscard]] std::span<const ExitStatus> exit_statuses() noexcept;

[[nodiscard]] int exit_status(Errc code) noexcept;

}  // namespace keyway::cli
