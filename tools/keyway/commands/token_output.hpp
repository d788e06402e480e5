// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../json_output.hpp"

#include <keyway/pkcs11/token_info.hpp>

#include <string>

namespace keyway::cli {

[[nodiscard]] Json json_of(const pkcs11::TokenInfo& token, const std::string& module);

/// What a person has to know of a token: "ready", "not initialised", "PIN locked".
[[nodiscard]] std::string state_of(const pkcs11::TokenInfo& token);

}  // namespace keyway::cli
