// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/timed_mutex_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

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

/// The same of another kind of key.
/// @param destroy what there is of that label and id
void remove_what_was_made(pkcs11::Token& token,
                          const pkcs11::PinProvider& pin,
                          const std::string& label,
                          const std::vector<std::uint8_t>& id,
                          const Error& cause,
                          const std::function<void(const pkcs11::Session&)>& destroy);

/// Removes the objects of a key, or what is left of one, and the certificates beside it.
/// @throws Errc::key_not_found, key_mismatch and others
void remove_key(pkcs11::Token& token,
                const pkcs11::PinProvider& pin,
                const pkcs11::KeySelector& wanted,
                const SpkiFingerprint& fingerprint);

/// How long what is left of a failed key may take to go, also when the time is up: a token that is there answers at once.
[[nodiscard]] pkcs11::Deadline last_moment(const pkcs11::Token& token);

/// Tokens do not keep labels unique: looking whether one is free and taking it are one step in this process.
/// @throws Errc::timed_out when others make keys until the deadline
[[nodiscard]] std::unique_lock<pkcs11::TimedMutex> making_turn(pkcs11::TimedMutex& making,
                                                               const pkcs11::Token& token,
                                                               const pkcs11::Deadline& deadline);

}  // namespace keyway::hsm
