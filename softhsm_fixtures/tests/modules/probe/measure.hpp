// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "module.hpp"

#include <functional>
#include <map>
#include <string>

namespace probe {

/// Returns when the module does it, and throws Refused when it does not.
using Measurement = std::function<void(const Target&)>;
using Measurements = std::map<std::string, Measurement>;

/// A measurement in one session with the user logged in.
[[nodiscard]] inline Measurement in_session(std::function<void(Session&)> measure) {
    return [measure = std::move(measure)](const Target& target) {
        const Module module(target);
        Session session(module);
        measure(session);
    };
}

// By the name of the capability.
void add_key_measurements(Measurements& all);
void add_cipher_measurements(Measurements& all);
void add_object_measurements(Measurements& all);
void add_token_measurements(Measurements& all);
void add_process_measurements(Measurements& all);

/// By the name of the quirk.
void add_quirk_measurements(Measurements& all);

} // namespace probe
