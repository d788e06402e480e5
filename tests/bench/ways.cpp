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

std::unique_ptr<Way> open_way(std::string_view name, const Place& place) {
    if(name == "raw") {
        return raw_way(place, RawStyle::plain);
    }
    if(name == "raw-hashing") {
        return raw_way(place, RawStyle::hashing);
    }
    if(name == "raw-copies") {
        return raw_way(place, RawStyle::session_copies);
    }
    if(name == "naive") {
        return raw_way(place, RawStyle::naive);
    }
    if(name == "keyway") {
        return keyway_way(place, KeywayStyle::reused);
    }
    if(name == "keyway-new") {
        return keyway_way(place, KeywayStyle::renewed);
    }
    if(name == "keyway-copies") {
        return keyway_way(place, KeywayStyle::session_copies);
    }
    throw std::runtime_error("there is no way \"" + std::string(name) + "\"");
}

}  // namespace keyway::bench
