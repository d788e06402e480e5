// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/wrapping_key_store.hpp>
#include <keyway/pkcs11/timed_mutex_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <optional>
#include <string>
#include <vector>

namespace keyway::hsm {

/// Makes an AES key that other keys are wrapped by, or leaves nothing.
/// @param making held meanwhile, as for key pairs
/// @throws Errc::already_exists, Errc::unsupported and others
[[nodiscard]] WrappingKeyInfo create_wrapping_key(pkcs11::Token& token,
                                                  const pkcs11::PinProvider& pin,
                                                  const std::string& label,
                                                  pkcs11::TimedMutex& making);

/// Why it would not, as far as that can be told: nothing is made.
[[nodiscard]] std::optional<Error> why_no_wrapping_key(pkcs11::Token& token, const pkcs11::PinProvider& pin, const std::string& label);

[[nodiscard]] std::vector<WrappingKeyInfo> list_wrapping_keys(pkcs11::Token& token, const pkcs11::PinProvider& pin);

/// @throws Errc::key_not_found, Errc::key_ambiguous and others
void remove_wrapping_key(pkcs11::Token& token, const pkcs11::PinProvider& pin, const WrappingKeyInfo& key);

}  // namespace keyway::hsm
