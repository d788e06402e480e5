// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/keys/key_objects_internal.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// A key encrypted under an AES key of a token.
struct WrappedKey {
    /// How it was wrapped, and has to be unwrapped: CKM_AES_KEY_WRAP_KWP (RFC 5649), CKM_AES_KEY_WRAP (RFC 3394), or
    /// CKM_AES_KEY_WRAP_PAD, which is RFC 5649 with SoftHSM and with other tokens something of their own.
    CK_MECHANISM_TYPE mechanism = 0;
    std::vector<std::uint8_t> bytes;
};

// In all of these the wrapping key is one of find_wrapping_key, and the session is logged in.

/// Wraps bytes that are a key of somebody else: they stand in the token as a session object for that moment.
///
/// @param secret 1 byte or more
/// @param by the mechanism; 0 for the best that the token has for it
/// @throws Errc::unsupported when the token has no mechanism for it, takes no secrets from outside, or changes what is no whole
///         blocks of 8 bytes (SoftHSM 2.6.1 adds zeros)
[[nodiscard]] WrappedKey wrap_bytes(const Session& session,
                                    CK_OBJECT_HANDLE wrapping_key,
                                    std::span<const std::uint8_t> secret,
                                    CK_MECHANISM_TYPE by = 0);

/// @throws Errc::malformed_data when they were wrapped by another key, or are damaged
/// @throws Errc::unsupported when the token has not the mechanism, or does not hand out what it unwrapped
[[nodiscard]] Botan::secure_vector<std::uint8_t> unwrap_bytes(const Session& session,
                                                              CK_OBJECT_HANDLE wrapping_key,
                                                              const WrappedKey& wrapped);

/// Wraps a private key of the token, as PKCS#8; zeros may follow it up to whole blocks of 8 bytes (SoftHSM 2.6.1).
/// @param mechanism one that the caller has seen the token to offer
/// @throws Errc::unsupported when the key is not extractable
[[nodiscard]] WrappedKey wrap_key(const Session& session,
                                  CK_OBJECT_HANDLE wrapping_key,
                                  CK_OBJECT_HANDLE key,
                                  CK_MECHANISM_TYPE mechanism);

/// Unwraps a private key into the token, and writes its public half beside it; unless the objects are kept, they go again. That the
/// two belong together is seen at the first signature.
/// @throws Errc::malformed_data, Errc::unsupported as unwrap_bytes
[[nodiscard]] FoundKey unwrap_key(const Session& session,
                                  CK_OBJECT_HANDLE wrapping_key,
                                  const WrappedKey& wrapped,
                                  const Botan::Public_Key& public_half,
                                  const NewKey& key,
                                  NewObjects& made);

/// C_UnwrapKey of a private or secret key, with its errors told apart.
/// @param attributes of the new object
/// @throws as unwrap_bytes
[[nodiscard]] CK_OBJECT_HANDLE unwrap_object(const Session& session,
                                             CK_OBJECT_HANDLE wrapping_key,
                                             const WrappedKey& wrapped,
                                             Template attributes);

}  // namespace keyway::pkcs11
