// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../json_output.hpp"

#include <keyway/pkcs11/quirks/probe.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>

#include <string>

namespace keyway::cli {

[[nodiscard]] Json json_of(const pkcs11::QuirkProfile& profile);

/// A profile for people: each quirk with its reason and source.
[[nodiscard]] std::string text_of(const pkcs11::QuirkProfile& profile);

/// A measurement for people: tables of what was found.
[[nodiscard]] std::string text_of(const pkcs11::ProbeReport& report);

}  // namespace keyway::cli
