// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <chrono>

namespace pkcs11_fault {

/// Plans give times in milliseconds, with a fraction if need be.
[[nodiscard]] inline std::chrono::steady_clock::duration as_duration(double milliseconds) {
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double, std::milli>(milliseconds));
}

} // namespace pkcs11_fault
