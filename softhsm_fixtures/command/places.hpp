// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// The folder this program is in, links followed; empty where that cannot be told.
[[nodiscard]] std::filesystem::path program_folder();

/// A file of the kit that is installed below `folder` of the prefix (`lib/softhsm-fixtures`), or that a build folder has in
/// `in_build` beside this program.
[[nodiscard]] std::optional<std::filesystem::path>
find_own_file(const std::string& name, const std::string& installed_folder, const std::string& in_build);

/// Lets a static library find its helpers in an installation that was moved, unless the environment says where it is; and leaves
/// the environment as it was, which commands inherit.
class HelperPointer {
public:
    HelperPointer();
    ~HelperPointer();
    HelperPointer(const HelperPointer&) = delete;
    HelperPointer& operator=(const HelperPointer&) = delete;

private:
    std::vector<const char*> set_;
};

/// The fault module.
///
/// @throws Failure when it is not there
[[nodiscard]] std::filesystem::path fault_module();

/// A module of OpenSSL's (`pkcs11.so`) in the first of the folders called `kind` (`ossl-modules`, `engines-3`) that has it.
[[nodiscard]] std::optional<std::filesystem::path> find_openssl_module(const std::string& kind,
                                                                       const std::vector<std::string>& names);

} // namespace softhsm_fixtures::command
