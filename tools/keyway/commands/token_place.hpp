// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../session.hpp"

#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace keyway::cli {

/// A token that a command works with: named by flags, or taken from the settings of a backend.
struct TokenPlace {
    pkcs11::ModuleName module;
    pkcs11::TokenSelector token;
    std::function<Secret()> pin;  ///< its user PIN
    bool is_pin_of_settings;      ///< nobody gave it for this call
    std::string user_name;        ///< whose PIN it is, for tokens with several users; empty for the only one
};

/// --init-args.
[[nodiscard]] Flag init_args_flag();

/// --module, --init-args, --label, --serial, --user-name and --backend.
[[nodiscard]] std::vector<Flag> token_place_flags();

/// The module of --module and --init-args; nothing when there is no --module.
/// @throws Errc::usage when there are --init-args alone
[[nodiscard]] std::optional<pkcs11::ModuleName> named_module(const Arguments& arguments);

/// The module of a backend of type hsm, with its init-args; nothing when its settings name none.
[[nodiscard]] std::optional<pkcs11::ModuleName> module_of(const BackendSettings& backend);

/// The PIN is that of --user-pin, or of the backend's source; the user's name likewise.
/// @param usual_pin the source where neither is given; without, that is an error when the PIN is needed
/// @throws Errc::usage when there is no module named, or both a module and a backend; Errc::invalid_option when the backend's
///         settings and its token URI name different tokens
[[nodiscard]] TokenPlace token_place(const Session& session,
                                     const Arguments& arguments,
                                     const std::optional<std::string>& usual_pin = std::nullopt);

}  // namespace keyway::cli
