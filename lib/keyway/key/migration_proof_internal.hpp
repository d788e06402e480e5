// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_migration.hpp>

namespace Botan {
class Private_Key;
}

namespace keyway {

/// Shows that both hold the same private key: both sign the receipt's statement, and each signature is verified with the public half of
/// the other; or, where they cannot sign, both agree on a secret with a key made for that. Fills in what the receipt says of it.
/// @throws Errc::verification_failed when they are not the same; what signing and agreeing throw
void prove_same_key(const Botan::Private_Key& old_key, const Botan::Private_Key& new_key, MigrationReceipt& receipt);

}  // namespace keyway
