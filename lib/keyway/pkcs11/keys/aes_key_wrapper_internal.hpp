// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_use.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <memory>
#include <string>

namespace keyway::pkcs11 {

/// A wrapper by an AES key of a token, by the first of CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP and CKM_AES_KEY_WRAP_PAD that the token
/// offers. Behind the secret stands the SHA-256 of the purpose, so that what is unwrapped is known to be for it.
///
/// @param label CKA_LABEL
/// @param backend the alias, for the observer
/// @param observer told of each use of the key; may be empty
/// @return null when there is no such key
/// @throws as find_wrapping_key, but for Errc::key_not_found
/// @spec RFC 3394, RFC 5649
[[nodiscard]] std::unique_ptr<KeyWrapper> aes_key_wrapper(std::shared_ptr<Token> token,
                                                          const PinProvider& pin,
                                                          const std::string& label,
                                                          const std::string& backend,
                                                          const KeyUseObserver& observer);

}  // namespace keyway::pkcs11
