// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/backend_registry.hpp>

namespace keyway {

/// The type "file": keys in a folder, one PKCS#8 file each, encrypted with a passphrase.
///
/// Its backends also list and remove keys (KeyLister, KeyRemover). The keys they open are Botan's own.
[[nodiscard]] KEYWAY_API BackendType file_backend();

}  // namespace keyway
