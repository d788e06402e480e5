// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/certificate_keeper.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>

#include <string_view>
#include <vector>

namespace Botan {
class X509_Certificate;
}  // namespace Botan

namespace keyway::pkcs11 {

/// Whether the same certificate, byte for byte, is in the token already with the key's CKA_ID.
[[nodiscard]] bool has_certificate(const Session& session, const FoundKey& key, const Botan::X509_Certificate& certificate);

/// Writes a certificate beside its key, with the key's CKA_ID and CKA_LABEL, by which other programs find it; unless the object
/// is kept, it goes again.
/// @throws Errc::token_failed and others, by call_failed
/// @spec PKCS#11 3.1 4.6.3
void write_certificate(const Session& session, const FoundKey& key, const Botan::X509_Certificate& certificate, NewObjects& made);

/// Destroys the other certificates with the key's CKA_ID that are for its public key, whoever put them there.
void destroy_other_certificates(const Session& session, const FoundKey& key, const Botan::X509_Certificate& kept);

/// The certificates with the key's CKA_ID that are for its public key: those that destroy_other_certificates may destroy, told apart
/// by whether destroy_certificates would when the key goes.
/// @param label by which the key is named
[[nodiscard]] std::vector<KeptCertificate> kept_certificates(const Session& session, const FoundKey& key, std::string_view label);

/// Destroys the certificates that were written beside a key: those with its id and its label that are for its public key. None
/// where a private key has the id still, as it may need them.
/// @param names of the key; without an id nothing is destroyed
void destroy_certificates(const Session& session, const KeySelector& names, const SpkiFingerprint& fingerprint);

}  // namespace keyway::pkcs11
