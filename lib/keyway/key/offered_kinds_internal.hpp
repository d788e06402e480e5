// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_backend.hpp>

#include <string>

namespace keyway {

/// What a backend can hold, as a hint.
[[nodiscard]] std::string offered_kinds(const BackendCapabilities& offered);

}  // namespace keyway
