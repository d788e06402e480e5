// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string>

namespace pkcs11_fault {

/// @name Parts of docs/faults.md that follow from the tables
/// @{
[[nodiscard]] std::string manual_of_plan();
[[nodiscard]] std::string manual_of_trigger();
[[nodiscard]] std::string manual_of_faults();
[[nodiscard]] std::string manual_of_profiles();
/// @}

} // namespace pkcs11_fault
