// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/softhsm_store.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace softhsm_fixtures::internal {

/// Finds a program of this library: beside it, where it is installed, or beside SOFTHSM_FIXTURES_INIT.
///
/// @throws InitialisationFailed when it is nowhere
[[nodiscard]] std::filesystem::path find_own_program(const std::string& name);

/// The strings as the null-terminated array of pointers that exec takes; they must outlive it.
[[nodiscard]] std::vector<char*> pointers_to(std::vector<std::string>& strings);

/// This process's environment with some variables set, each as NAME=VALUE.
[[nodiscard]] std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables);

/// A module with the configuration that it is to find.
struct ConfiguredModule {
    std::filesystem::path path;
    std::string init_arguments = {};
    std::map<std::string, std::string> environment = {};
    std::filesystem::path folder; ///< for the helper's report; what the module prints stays there as helper.log
};

/// Initialises a token in a process of its own, so that a module which this process has open is not disturbed;
/// returns its serial. The PINs travel in their files, never in arguments.
///
/// @param flow the order of calls: one of the helper's
/// @throws InitialisationFailed when the helper is not found or reports an error
[[nodiscard]] std::string initialise_with_helper(const ConfiguredModule& module, const std::string& flow,
                                                 const TokenDetails& details);

/// What CK_INFO says is the version of the library, `2.6`, asked in a process of its own.
///
/// @throws InitialisationFailed as initialise_with_helper()
[[nodiscard]] std::string version_from_helper(const ConfiguredModule& module);

} // namespace softhsm_fixtures::internal
