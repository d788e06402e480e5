// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../session.hpp"

#include <keyway/pkcs11/token_info.hpp>

#include <functional>
#include <string>
#include <vector>

namespace keyway::cli {

/// A token that a command works with: named by flags, or taken from the settings of a backend.
struct TokenPlace {
    std::string module;
    pkcs11::TokenSelector token;
    std::function<Secret()> pin;  ///< its user PIN
};

/// --module, --label, --serial, --backend and --user-pin.
[[nodiscard]] std::vector<Flag> token_place_flags();

/// @throws Errc::usage when there is no module or no token named, or both a module and a backend
[[nodiscard]] TokenPlace token_place(const Session& session, const Arguments& arguments);

}  // namespace keyway::cli
