// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../json_output.hpp"
#include "../session.hpp"

#include <keyway/key/certificate_keeper.hpp>

#include <botan/x509cert.h>

#include <string>
#include <vector>

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

/// Which of the certificates beside a key are meant.
enum class Beside {
    that_go_with_key,  ///< when it is removed
    all
};

/// The certificates beside a key; none where its backend keeps none.
/// @param options of phase use
/// @throws what reaching the store throws
[[nodiscard]] std::vector<Botan::X509_Certificate> certificates_beside(KeyBackend& backend,
                                                                       const KeyRef& ref,
                                                                       const OptionValues& options,
                                                                       Beside which);

/// For messages: `the certificate beside it: "CN=ca" (serial number 0a)`; empty for none.
[[nodiscard]] std::string told(const std::vector<Botan::X509_Certificate>& certificates);

[[nodiscard]] Json json_of(const std::vector<Botan::X509_Certificate>& certificates);

}  // namespace keyway::cli
