// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>

#include <string>
#include <string_view>

namespace keyway::pkcs11 {

/// The name of a PKCS#11 return value: "CKR_PIN_INCORRECT"; one that no specification names as "CKR 0x80000042".
/// @spec PKCS#11 3.1 5.1
[[nodiscard]] KEYWAY_API std::string return_value_name(unsigned long value);

/// The error for a failed PKCS#11 call.
///
/// @param value other than CKR_OK
/// @param doing what failed, to follow "cannot": `sign with key "root" in token "ca"`
[[nodiscard]] KEYWAY_API Error call_failed(unsigned long value, std::string_view doing);

}  // namespace keyway::pkcs11
