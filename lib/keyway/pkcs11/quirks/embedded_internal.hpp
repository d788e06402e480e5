// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// A profile as its file has it; made from data/*.json when the library is built.
struct EmbeddedQuirks {
    std::string_view file;  ///< "yubihsm2.json"
    std::string_view json;
};

[[nodiscard]] const std::vector<EmbeddedQuirks>& embedded_quirks();

}  // namespace keyway::pkcs11
