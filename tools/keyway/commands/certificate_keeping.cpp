// SPDX-License-Identifier: BSD-2-Clause
#include "certificate_keeping.hpp"

#include "../input_file.hpp"

#include <keyway/core/error.hpp>
#include <keyway/x509/pem.hpp>

#include <botan/exceptn.h>
#include <botan/pk_keys.h>

namespace keyway::cli {

Botan::X509_Certificate read_certificate_file(const std::string& name) {
    return read_input_as(name, [](const auto& bytes) { return x509::read_certificate(bytes); });
}

void require_certificate_of(const Botan::X509_Certificate& certificate,
                            const std::string& name,
                            const SpkiFingerprint& key_fingerprint,
                            const std::string& key) {
    const auto certified = [&] {
        try {
            return SpkiFingerprint::of(*certificate.subject_public_key());
        } catch(const Botan::Exception& error) {
            throw Error(Errc::unsupported, "the certificate " + in_quotes(name) + " is for a key of a kind not known here: " + error.what(),
                        "give the certificate of " + key);
        }
    }();
    if(certified != key_fingerprint) {
        throw Error(Errc::key_mismatch, "the certificate " + in_quotes(name) + " is for another key than " + key,
                    "SPKI SHA-256 of the certificate: " + certified.to_string() + ", of the key: " + key_fingerprint.to_string());
    }
}

CertificateKeeper& certificate_keeper(Session& session, const BackendAlias& backend) {
    auto* const keeper = dynamic_cast<CertificateKeeper*>(&session.backend(backend));
    if(keeper == nullptr) {
        throw Error(Errc::unsupported, "the backend " + in_quotes(backend.str()) + " keeps no certificates beside its keys",
                    "tokens do; keep the certificate in a file");
    }
    return *keeper;
}

}  // namespace keyway::cli
