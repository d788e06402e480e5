// SPDX-License-Identifier: BSD-2-Clause
#include <bench/ways.hpp>

#include <cstdlib>
#include <stdexcept>

namespace keyway::bench {

Place Place::of_environment() {
    const auto variable = [](const char* name) {
        const char* const value = std::getenv(name);
        if(value == nullptr) {
            throw std::runtime_error(std::string(name) + " is not set: run this by softhsm-fixture run");
        }
        return std::string(value);
    };
    return {.module = variable("PKCS11_MODULE"),
            .token_label = variable("PKCS11_TOKEN_LABEL"),
            .pin = variable("PKCS11_PIN"),
            .pin_file = variable("PKCS11_PIN_FILE")};
}

}  // namespace keyway::bench
