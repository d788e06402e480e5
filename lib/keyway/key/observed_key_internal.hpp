// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/use_teller_internal.hpp>

#include <memory>
#include <string>

namespace Botan {
class Private_Key;
}

namespace keyway {

/// The key itself where there is no observer; else one that does the same with it, and tells the observer of each signature,
/// decryption and agreement.
/// @param backend the alias
/// @param name of the key, for people
[[nodiscard]] std::unique_ptr<Botan::Private_Key> observed(std::unique_ptr<Botan::Private_Key> key,
                                                           const std::string& backend,
                                                           const std::string& name,
                                                           const KeyUseObserver& observer);

}  // namespace keyway
