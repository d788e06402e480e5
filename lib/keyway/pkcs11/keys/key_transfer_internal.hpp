// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/wrapped_transfer.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>

#include <functional>
#include <string_view>

namespace keyway::pkcs11 {

// A private key goes from token to token: encrypted under an AES key of the moment, and that under an RSA key of the moment. All
// keys of the moment are session objects.

/// Why the key cannot be sent so, as far as that can be told before: it stays for good (CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED), the
/// token lacks a mechanism, or says that it wraps no keys of this kind, asked by the length that it would have.
/// @param key its private object
/// @throws what asking the token throws
[[nodiscard]] std::optional<Error> why_it_is_not_sent(const Session& session, CK_OBJECT_HANDLE key, std::string_view token_name);

/// Why the token of the slot can receive no key so; nothing when it has the mechanisms.
/// @throws what asking for its mechanisms throws
[[nodiscard]] std::optional<Error> why_it_receives_no_keys(FunctionList& calls, CK_SLOT_ID slot, std::string_view token_name);

/// Encrypts a private key of the token for the holder of the transport key.
/// @param key its private object
/// @throws Errc::unsupported when it may not leave, or when there is no mechanism, hash or format that both tokens have
[[nodiscard]] TransportedKey send_key(const Session& session,
                                      CK_OBJECT_HANDLE key,
                                      const TransportKey& under,
                                      std::string_view token_name);

/// Makes a transport key, asks for the private key under it, and unwraps that into the token; unless the objects are kept, they go
/// again. Nothing of the key is made before `send` has answered.
/// @throws Errc::malformed_data when what came cannot be unwrapped; Errc::unsupported when the token lacks the means; what send throws
[[nodiscard]] FoundKey receive_key(const Session& session,
                                   const Botan::Public_Key& public_half,
                                   const NewKey& key,
                                   const std::function<TransportedKey(const TransportKey&)>& send,
                                   std::string_view token_name,
                                   NewObjects& made);

}  // namespace keyway::pkcs11
