// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/folder_token_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/fill_token_internal.hpp>
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
    : folder_(module.name()), content_(options.content) {
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
    if (content_ && content_->object_count() != 0) {
        fill();
    }
}

void FolderToken::fill() const {
    const auto& token = parts_.details;
    FillRequest request{.module = parts_.module_path,
                        .token_label = token.label, // serials are the same for all tokens of some modules
                        .user_pin_file = token.user_pin_file,
                        .content = *content_,
                        .work_folder = directory(),
                        .environment = {parts_.environment.begin(), parts_.environment.end()}};
    if (!token.so_pin.empty()) {
        request.so_pin_file = token.so_pin_file;
    }
    if (!parts_.init_arguments.empty()) {
        request.init_arguments = parts_.init_arguments;
    }
    fill_token(request);
}

} // namespace softhsm_fixtures::internal
