// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// The families of PKCS#11's constants that profiles name.
enum class NameFamily { mechanisms, attributes, return_values };

/// The number of "CKM_ECDSA", or of a vendor's own, written as "0x80000001"; nothing for another text.
/// @spec PKCS#11 3.2
[[nodiscard]] std::optional<CK_ULONG> constant_value(NameFamily family, std::string_view name);

/// The name of a number; "0x80000001" for one without.
[[nodiscard]] std::string constant_name(NameFamily family, CK_ULONG value);

/// All names of a family.
[[nodiscard]] std::vector<std::string> constant_names(NameFamily family);

/// The functions of PKCS#11 2.40 that a module may lack.
[[nodiscard]] const std::vector<std::string>& function_names();

}  // namespace keyway::pkcs11
