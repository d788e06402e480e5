// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace softhsm_fixtures::internal {

/// One of the programs that the library brings along.
struct HelperProgram {
    const char* name;
    const char* variable; ///< names another path for it
};
inline constexpr HelperProgram init_program{"softhsm-fixture-init", "SOFTHSM_FIXTURES_INIT"};
inline constexpr HelperProgram fill_program{"softhsm-fixture-fill", "SOFTHSM_FIXTURES_FILL"};

/// How a helper is run. Secrets travel in files, never in arguments or in the environment.
struct HelperCall {
    HelperProgram program;
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment; ///< put over that of this process
    std::filesystem::path report_file; ///< the helper's standard output, removed before the call returns
};

/// What became of it: the first line of the report with a known word, or how the process ended.
struct HelperReport {
    std::optional<std::string> result; ///< after the word that was asked for
    std::string failure;               ///< after "error", or in words how it ended without result
};

/// Where the helper is: what the variable names, beside this library, or where it is installed.
///
/// @throws InitialisationFailed that says where it was looked for
[[nodiscard]] std::filesystem::path find_helper(const HelperProgram& program);

/// Runs a helper in a process of its own and waits for it. It is spawned, not forked, so that any number of
/// threads may do it.
///
/// @throws InitialisationFailed when the helper is not found or cannot be started
[[nodiscard]] HelperReport run_helper(const HelperCall& call, const std::string& word);

} // namespace softhsm_fixtures::internal
