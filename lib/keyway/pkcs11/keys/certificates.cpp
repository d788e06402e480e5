// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/attributes_internal.hpp>
#include <keyway/pkcs11/keys/certificates_internal.hpp>
#include <keyway/pkcs11/keys/key_search_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/bigint.h>
#include <botan/der_enc.h>
#include <botan/x509cert.h>

#include <algorithm>

namespace keyway::pkcs11 {

namespace {

std::vector<CK_OBJECT_HANDLE> certificates_named(const Session& session, const KeySelector& names) {
    auto wanted = search_for(CKO_CERTIFICATE, names);
    wanted.add_number(CKA_CERTIFICATE_TYPE, CKC_X_509);
    return find_objects(session, std::move(wanted));
}

Template attributes_of(const FoundKey& key, const Botan::X509_Certificate& certificate) {
    std::vector<std::uint8_t> serial;
    Botan::DER_Encoder(serial).encode(Botan::BigInt::from_bytes(certificate.serial_number()));
    Template out;
    out.add_number(CKA_CLASS, CKO_CERTIFICATE);
    out.add_number(CKA_CERTIFICATE_TYPE, CKC_X_509);
    out.add_yes(CKA_TOKEN);
    out.add_no(CKA_PRIVATE);  // so that it is found without a login, as the public key is
    out.add(CKA_ID, key.id);
    out.add_text(CKA_LABEL, key.label);
    out.add(CKA_SUBJECT, certificate.raw_subject_dn());
    out.add(CKA_ISSUER, certificate.raw_issuer_dn());
    out.add(CKA_SERIAL_NUMBER, serial);
    out.add(CKA_VALUE, certificate.BER_encode());
    return out;
}

}  // namespace

bool has_certificate(const Session& session, const FoundKey& key, const Botan::X509_Certificate& certificate) {
    const auto wanted = certificate.BER_encode();
    return std::ranges::any_of(certificates_named(session, {.id = key.id, .label = std::nullopt}),
                               [&](CK_OBJECT_HANDLE object) { return read_attribute(session, object, CKA_VALUE) == wanted; });
}

void write_certificate(const Session& session, const FoundKey& key, const Botan::X509_Certificate& certificate, NewObjects& made) {
    auto all = attributes_of(key, certificate);
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    const auto turn = session.turn_for(Module::ObjectWork::making);
    auto result = session.calls().C_CreateObject(session.handle(), all.data(), all.size(), &object);
    if(result == CKR_ATTRIBUTE_TYPE_INVALID || result == CKR_ATTRIBUTE_VALUE_INVALID || result == CKR_ATTRIBUTE_READ_ONLY ||
       result == CKR_TEMPLATE_INCONSISTENT) {
        all.leave_out({CKA_PRIVATE});  // some tokens let nobody choose it
        result = session.calls().C_CreateObject(session.handle(), all.data(), all.size(), &object);
    }
    if(result != CKR_OK) {
        throw call_failed(result, "write the certificate into the token");
    }
    made.add(object);
}

namespace {

bool is_for(const Session& session, CK_OBJECT_HANDLE certificate, const SpkiFingerprint& fingerprint) {
    PublicKeySources source;
    source.add_certificate(session, certificate);
    return source.key() && *source.fingerprint() == fingerprint;
}

bool is_labelled(const Session& session, CK_OBJECT_HANDLE certificate, std::string_view label) {
    const auto found = read_attribute(session, certificate, CKA_LABEL).value_or(std::vector<std::uint8_t>{});
    return std::ranges::equal(found, label, {}, {}, [](char c) { return static_cast<std::uint8_t>(c); });
}

void destroy(const Session& session, CK_OBJECT_HANDLE certificate, std::string_view doing) {
    const auto result = session.calls().C_DestroyObject(session.handle(), certificate);
    if(result != CKR_OK && result != CKR_OBJECT_HANDLE_INVALID) {
        throw call_failed(result, doing);
    }
}

}  // namespace

void destroy_other_certificates(const Session& session, const FoundKey& key, const Botan::X509_Certificate& kept) {
    const auto fingerprint = SpkiFingerprint::of(*key.public_key);
    const auto value = kept.BER_encode();
    for(const auto object : certificates_named(session, {.id = key.id, .label = std::nullopt})) {
        if(read_attribute(session, object, CKA_VALUE) != value && is_for(session, object, fingerprint)) {
            destroy(session, object, "destroy a certificate that was replaced (the new one is in the token)");
        }
    }
}

std::vector<KeptCertificate> kept_certificates(const Session& session, const FoundKey& key, std::string_view label) {
    std::vector<KeptCertificate> out;
    if(key.id.empty()) {
        return out;
    }
    const KeySelector by_id{.id = key.id, .label = std::nullopt};
    const auto fingerprint = SpkiFingerprint::of(*key.public_key);
    const auto certificates = certificates_named(session, by_id);
    // Another private key of that id may need them.
    const std::size_t of_key = key.private_object == CK_INVALID_HANDLE ? 0 : 1;
    const bool is_alone = !certificates.empty() && find_objects(session, search_for(CKO_PRIVATE_KEY, by_id)).size() == of_key;
    for(const auto object : certificates) {
        auto value = read_attribute(session, object, CKA_VALUE);
        if(value && is_for(session, object, fingerprint)) {
            out.push_back({*std::move(value), is_alone && is_labelled(session, object, label)});
        }
    }
    return out;
}

void destroy_certificates(const Session& session, const KeySelector& names, const SpkiFingerprint& fingerprint) {
    if(!names.id || names.id->empty()) {
        return;
    }
    const KeySelector by_id{.id = names.id, .label = std::nullopt};
    const auto certificates = certificates_named(session, by_id);
    if(certificates.empty() || !find_objects(session, search_for(CKO_PRIVATE_KEY, by_id)).empty()) {
        return;
    }
    const auto label = names.label.value_or("");
    for(const auto object : certificates) {
        if(is_labelled(session, object, label) && is_for(session, object, fingerprint)) {
            destroy(session, object, "destroy the certificate of a key that was removed");
        }
    }
}

}  // namespace keyway::pkcs11
