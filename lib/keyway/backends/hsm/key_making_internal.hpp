// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

namespace Botan {
class Private_Key;
}

namespace keyway::hsm {

/// Signs once. The first signature of an HsmPrivateKey is verified before it is handed out.
/// @throws Errc::verification_failed, and what signing throws
void sign_once(const Botan::Private_Key& key);

/// An answer may have been lost when the token had done what it was asked for, or the session before it could undo it: objects may
/// be there that the token never told of. They go by their names, which were free before.
/// @param cause why the key could not be made
/// @throws cause, with where the objects are in its hint, when they could not be removed
void remove_what_was_made(pkcs11::Token& token, const pkcs11::PinProvider& pin, const pkcs11::NewKey& key, const Error& cause);

/// Removes the objects of a key, or what is left of one, and the certificates beside it.
/// @throws Errc::key_not_found, key_mismatch and others
void remove_key(pkcs11::Token& token,
                const pkcs11::PinProvider& pin,
                const pkcs11::KeySelector& wanted,
                const SpkiFingerprint& fingerprint);

/// Makes an AES key that other keys are wrapped by.
/// @throws Errc::already_exists, Errc::unsupported and others
void create_wrapping_key(pkcs11::Token& token, const pkcs11::PinProvider& pin, const std::string& label);

}  // namespace keyway::hsm
