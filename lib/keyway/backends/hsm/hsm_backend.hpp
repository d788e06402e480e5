// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/backend_registry.hpp>

namespace keyway {

/// Keys in a PKCS#11 token; see hsm.md for its options.
[[nodiscard]] KEYWAY_API BackendType hsm_backend();

}  // namespace keyway
