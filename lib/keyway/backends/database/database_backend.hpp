// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/backend_registry.hpp>

namespace keyway {

/// The type "database": keys in an SQLite file or on a PostgreSQL server, each encrypted under a key of its own, these under a passphrase.
///
/// Its backends also list and remove keys (KeyLister, KeyRemover). The keys they open are Botan's own.
[[nodiscard]] KEYWAY_API BackendType database_backend();

}  // namespace keyway
