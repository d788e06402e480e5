// SPDX-License-Identifier: BSD-2-Clause
#include "certificate_keeping.hpp"

#include "../input_file.hpp"

#include <keyway/core/error.hpp>
#include <keyway/x509/names.hpp>
#include <keyway/x509/pem.hpp>
#include <keyway/x509/serial.hpp>

#include <botan/exceptn.h>
#include <botan/pk_keys.h>
#include <nlohmann/json.hpp>

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

std::vector<Botan::X509_Certificate> certificates_beside(KeyBackend& backend,
                                                         const KeyRef& ref,
                                                         const OptionValues& options,
                                                         Beside which) {
    std::vector<Botan::X509_Certificate> out;
    if(const auto* const keeper = dynamic_cast<const CertificateKeeper*>(&backend)) {
        for(const auto& kept : keeper->kept_certificates(ref, options)) {
            if(which == Beside::all || kept.goes_with_key) {
                out.emplace_back(kept.certificate);
            }
        }
    }
    return out;
}

std::string told(const std::vector<Botan::X509_Certificate>& certificates) {
    std::string list;
    for(const auto& certificate : certificates) {
        const auto subject = x509::DistinguishedName::from_botan(certificate.subject_dn()).to_string();
        list += (list.empty() ? "" : ", ") + in_quotes(subject) + " (serial number " + x509::SerialNumber::of(certificate).to_hex() + ")";
    }
    return list.empty() ? list : std::string("the certificate") + (certificates.size() == 1 ? "" : "s") + " beside it: " + list;
}

Json json_of(const std::vector<Botan::X509_Certificate>& certificates) {
    auto all = Json::array();
    for(const auto& certificate : certificates) {
        all.push_back(json_of(certificate));
    }
    return all;
}

}  // namespace keyway::cli
