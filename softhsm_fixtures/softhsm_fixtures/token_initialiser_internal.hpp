// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string>

namespace softhsm_fixtures::internal {

/// All that the helper program needs to make one token. The PINs travel in files, never in arguments.
struct InitialisationRequest {
    std::filesystem::path module;
    std::filesystem::path config; ///< becomes the helper's SOFTHSM2_CONF
    std::filesystem::path so_pin_file;
    std::filesystem::path user_pin_file;
    std::filesystem::path report_file; ///< written by the helper, removed before the call returns
    std::string label;
};

/// Initialises the next free slot in a process of its own and returns the new token's serial.
///
/// A process of its own, because SoftHSM reads SOFTHSM2_CONF when it is initialised and a process has one
/// SoftHSM: doing it here would disturb a module that the test has open. It is spawned, not forked, so that
/// any number of threads may do it.
///
/// @throws InitialisationFailed when the helper is not found or reports an error
[[nodiscard]] std::string initialise_token(const InitialisationRequest& request);

/// All that the helper program needs to change both PINs of a token.
struct PinChangeRequest {
    std::filesystem::path module;
    std::filesystem::path config;
    std::string serial;
    std::filesystem::path so_pin_file; ///< the PINs as they are
    std::filesystem::path user_pin_file;
    std::filesystem::path new_so_pin_file;
    std::filesystem::path new_user_pin_file;
    std::filesystem::path report_file;
};

/// Changes both PINs of a token, in a process of its own.
///
/// @throws InitialisationFailed as initialise_token()
void change_token_pins(const PinChangeRequest& request);

} // namespace softhsm_fixtures::internal
