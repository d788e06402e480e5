// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstddef>
#include <string>

namespace softhsm_fixtures::internal {

/// `length` decimal digits, each as likely as the others, from the operating system's generator.
[[nodiscard]] std::string random_digits(std::size_t length);

/// `length` lower-case hexadecimal digits from the operating system's generator.
[[nodiscard]] std::string random_hex(std::size_t length);

} // namespace softhsm_fixtures::internal
