// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/backend_registry.hpp>
#include <keyway/pkcs11/token_counters.hpp>

#include <optional>

namespace keyway {

/// Keys in a PKCS#11 token; see hsm.md for its options.
[[nodiscard]] KEYWAY_API BackendType hsm_backend();

/// What happened with the backend's token so far; nothing for a backend of another type, or before the token was used.
/// @threadsafety safe
[[nodiscard]] KEYWAY_API std::optional<pkcs11::TokenCounters> hsm_counters(const KeyBackend& backend);

}  // namespace keyway
