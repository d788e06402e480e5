// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/kept_certificate_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/certificates_internal.hpp>

#include <botan/data_src.h>
#include <botan/x509_key.h>
#include <botan/x509cert.h>

#include <utility>

namespace keyway::hsm {

namespace {

Botan::X509_Certificate parsed(std::span<const std::uint8_t> der) {
    try {
        return Botan::X509_Certificate(der.data(), der.size());
    } catch(const Botan::Exception& error) {
        throw Error(Errc::malformed_data, std::string("the certificate cannot be read: ") + error.what(),
                    "give an X.509 certificate in DER");
    }
}

SpkiFingerprint certified_key(const Botan::X509_Certificate& certificate) {
    try {
        return SpkiFingerprint::of(*certificate.subject_public_key());
    } catch(const Botan::Exception& error) {
        throw Error(Errc::unsupported, std::string("the certificate is for a key of a kind not known here: ") + error.what(),
                    "give the certificate of this key");
    }
}

}  // namespace

void keep_certificate(pkcs11::Token& token,
                      const pkcs11::PinProvider& pin,
                      const pkcs11::KeySelector& names,
                      const SpkiFingerprint& fingerprint,
                      std::span<const std::uint8_t> certificate,
                      OtherCertificates others) {
    const auto wanted = parsed(certificate);
    if(const auto certified = certified_key(wanted); certified != fingerprint) {
        throw Error(Errc::key_mismatch, "the certificate is for another key than the one " + names.to_string() + " in " + token.name(),
                    "SPKI SHA-256 of the certificate: " + certified.to_string() + ", of the key: " + fingerprint.to_string());
    }
    bool begun = false;
    token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
        const auto key = pkcs11::find_key(session, names, fingerprint, token.name());
        if(key.id.empty()) {
            throw Error(Errc::unsupported, "the key " + names.to_string() + " in " + token.name() + " has no CKA_ID",
                        "a certificate is told to be a key's by that; give the key one with the token's own tools");
        }
        const bool is_there = pkcs11::has_certificate(session, key, wanted);
        if(is_there && !begun && others == OtherCertificates::stay) {
            throw Error(Errc::already_exists,
                        "the certificate is in " + token.name() + " already, beside the key " + names.to_string(),
                        "nothing has to be done; to remove the others, say --replace (OtherCertificates::go)");
        }
        begun = true;
        if(!is_there) {  // or the answer was lost when the token had taken it
            pkcs11::NewObjects made(session);
            pkcs11::write_certificate(session, key, wanted, made);
            made.keep();
        }
        if(others == OtherCertificates::go) {
            pkcs11::destroy_other_certificates(session, key, wanted);
        }
    });
}

std::vector<KeptCertificate> kept_certificates(pkcs11::Token& token,
                                               const pkcs11::PinProvider& pin,
                                               const pkcs11::KeySelector& names,
                                               const SpkiFingerprint& fingerprint) {
    return token.with_session(pkcs11::SessionMode::read_only, pin, [&](const pkcs11::Session& session) {
        const auto key = pkcs11::find_key_or_remains(session, names, fingerprint, token.name());
        auto all = pkcs11::kept_certificates(session, key, names.label.value_or(""));
        for(auto& one : all) {
            one.goes_with_key = one.goes_with_key && names.id;  // a removal by the label alone leaves them
        }
        return all;
    });
}

}  // namespace keyway::hsm
