// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../session.hpp"

#include <keyway/key/certificate_keeper.hpp>

#include <botan/x509cert.h>

#include <string>

namespace keyway::cli {

/// A certificate in PEM or DER.
/// @throws what reading it throws, with the file's name
[[nodiscard]] Botan::X509_Certificate read_certificate_file(const std::string& name);

/// @param key for messages, with its quotes
/// @throws Errc::key_mismatch with both fingerprints unless the certificate is for that key
void require_certificate_of(const Botan::X509_Certificate& certificate,
                            const std::string& name,
                            const SpkiFingerprint& key_fingerprint,
                            const std::string& key);

/// The backend, as one that keeps certificates beside keys.
/// @throws Errc::unsupported when it does not
[[nodiscard]] CertificateKeeper& certificate_keeper(Session& session, const BackendAlias& backend);

}  // namespace keyway::cli
