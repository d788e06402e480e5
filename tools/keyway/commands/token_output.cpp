// SPDX-License-Identifier: BSD-2-Clause
#include "token_output.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

// Without the slot number: it changes, and nothing is to be addressed by it.
Json json_of(const pkcs11::TokenInfo& token, const std::string& module) {
    return {{"label", token.label},
            {"serial", token.serial},
            {"manufacturer", token.manufacturer},
            {"model", token.model},
            {"uri", token.uri().to_string()},
            {"module", module},
            {"initialized", token.initialized},
            {"login-required", token.login_required},
            {"write-protected", token.write_protected},
            {"user-pin-initialized", token.user_pin_initialized},
            {"user-pin-count-low", token.user_pin_count_low},
            {"user-pin-final-try", token.user_pin_final_try},
            {"user-pin-locked", token.user_pin_locked}};
}

std::string state_of(const pkcs11::TokenInfo& token) {
    if(!token.initialized) {
        return "not initialised";
    }
    if(!token.user_pin_initialized) {
        return "no user PIN";
    }
    if(token.user_pin_locked) {
        return "user PIN locked";
    }
    if(token.user_pin_final_try) {
        return "one try left";
    }
    return token.user_pin_count_low ? "wrong PIN given before" : "ready";
}

}  // namespace keyway::cli
