// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/quirks/quirks.hpp>

#include <string>

namespace keyway::pkcs11 {

class Module;

/// @throws Errc::token_failed
[[nodiscard]] ModuleInfo module_info(const Module& module);

/// The path of the module's library; where p11-kit does not know it, what it was opened by.
[[nodiscard]] std::string module_path(const Module& module);

}  // namespace keyway::pkcs11
