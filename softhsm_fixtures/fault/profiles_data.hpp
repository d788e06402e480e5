// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string_view>

namespace pkcs11_fault {

/// The files of data/profiles, put into the program when it is built, by name.
[[nodiscard]] std::span<const std::string_view> profile_documents();

} // namespace pkcs11_fault
