// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/content.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace softhsm_fixtures::internal {

/// All that is needed to fill a token of any PKCS#11 module; secrets are named by their files.
struct FillRequest {
    std::filesystem::path module;
    std::optional<std::string> token_serial; ///< at least one of serial and label; both have to fit
    std::optional<std::string> token_label;
    std::filesystem::path user_pin_file;              ///< holds the PIN and no line end
    std::optional<std::filesystem::path> so_pin_file; ///< needed where the content marks objects as trusted
    TokenContent content;
    std::filesystem::path work_folder;         ///< private, for files that are gone when the call returns
    std::optional<std::string> init_arguments; ///< pReserved of C_Initialize: NSS takes its folders there
    std::vector<std::pair<std::string, std::string>> environment; ///< of the module: SOFTHSM2_CONF
};

/// Makes all objects of the content in the token, in a process of its own.
///
/// When it fails, objects that were made before may be in the token.
///
/// @throws FillFailed with the entry of the list, the PKCS#11 function and its return value
/// @throws InitialisationFailed when the helper program cannot be started
void fill_token(const FillRequest& request);

} // namespace softhsm_fixtures::internal
