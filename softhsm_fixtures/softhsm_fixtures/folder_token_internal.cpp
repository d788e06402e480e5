// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/folder_token_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/helper_token_internal.hpp>

namespace softhsm_fixtures::internal {

namespace {

[[nodiscard]] std::filesystem::path path_of(const ModuleInfo& module) {
    if (const auto found = module.find()) {
        return std::filesystem::absolute(*found);
    }
    throw SoftHsmNotFound(module.absence_reason().value_or("there is no module " + module.name()));
}

} // namespace

FolderToken::FolderToken(const ModuleInfo& module, const TokenOptions& options, const PinLimits& limits)
    : folder_(module.name()) {
    parts_.module = &module;
    parts_.module_path = path_of(module);
    parts_.details = new_details(options, limits, folder_.path());
}

void FolderToken::initialise(const std::string& flow, const std::string& init_arguments,
                             const std::map<std::string, std::string>& environment) {
    parts_.init_arguments = init_arguments;
    parts_.environment = environment;
    write_private_file(parts_.details.so_pin_file, parts_.details.so_pin);
    write_private_file(parts_.details.user_pin_file, parts_.details.user_pin);
    parts_.details.serial = initialise_with_helper({.path = parts_.module_path,
                                                    .init_arguments = init_arguments,
                                                    .environment = environment,
                                                    .folder = directory()},
                                                   flow, parts_.details);
}

} // namespace softhsm_fixtures::internal
