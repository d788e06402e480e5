// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>
#include <keyway/x509/pem_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/x509/request.hpp>

#include <botan/ber_dec.h>
#include <botan/pkcs10.h>
#include <botan/pubkey.h>
#include <botan/x509_ext.h>
#include <botan/x509_key.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyway::x509 {

namespace {

constexpr std::array<std::string_view, 2> labels{"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"};

/// The parts of a CertificationRequest that prove possession of the key. @spec RFC 2986 4.2
struct Proof {
    std::vector<std::uint8_t> signed_bytes;
    std::vector<std::uint8_t> public_key_info;
    Botan::AlgorithmIdentifier algorithm;
    std::vector<std::uint8_t> signature;
};

std::vector<std::uint8_t> in_sequence(std::span<const std::uint8_t> content) {
    return der_of([&](Botan::DER_Encoder& out) { out.start_sequence().raw_bytes(content).end_cons(); });
}

/// @throws Botan::Decoding_Error
Proof decode_proof(const std::vector<std::uint8_t>& der) {
    Proof proof;
    std::vector<std::uint8_t> body;
    Botan::BER_Decoder in(der, Botan::BER_Decoder::Limits::DER());
    Botan::BER_Decoder request = in.start_sequence();
    request.start_sequence().raw_bytes(body).end_cons();
    request.decode(proof.algorithm);
    const Botan::BER_Object signature = request.get_next_object();
    request.end_cons();
    in.verify_end();
    signature.assert_is_a(Botan::ASN1_Type::BitString, Botan::ASN1_Class::Universal);
    if(signature.length() == 0 || signature.data()[0] != 0) {
        throw Botan::Decoding_Error("a signature is not made of whole octets");
    }
    proof.signature.assign(signature.data().begin() + 1, signature.data().end());
    proof.signed_bytes = in_sequence(body);

    Botan::BER_Decoder info(body, Botan::BER_Decoder::Limits::DER());
    std::size_t version = 0;
    info.decode(version);
    static_cast<void>(info.get_next_object());  // the subject
    const Botan::BER_Object key = info.get_next_object();
    proof.public_key_info = in_sequence(key.data());
    return proof;
}

Error malformed_request() {
    return {Errc::malformed_data, "the certificate request is malformed",
            "a PKCS #10 request in PEM or DER is needed, as \"openssl req -new\" writes it"};
}

std::unique_ptr<Botan::Public_Key> load_key(const Proof& proof) {
    try {
        return Botan::X509::load_key(proof.public_key_info);
    } catch(const Botan::Exception& cause) {
        std::throw_with_nested(
            Error{Errc::unsupported,
                  "the key of the certificate request cannot be read: " + std::string(cause.what())});
    }
}

void require_possession(const Proof& proof, const Botan::Public_Key& key) {
    bool verified = false;
    std::string hash;
    try {
        Botan::PK_Verifier verifier(key, proof.algorithm);
        hash = verifier.hash_function();
        verified = verifier.verify_message(proof.signed_bytes, proof.signature);
    } catch(const Botan::Exception& cause) {
        std::throw_with_nested(
            Error{Errc::unsupported, "the signature scheme " +
                                         in_quotes(proof.algorithm.oid().to_formatted_string()) +
                                         " of the certificate request is not known: " + cause.what()});
    }
    if(!verified) {
        throw Error{Errc::verification_failed,
                    "the signature of the certificate request is not by the key in it",
                    "ask for a new request: this one was changed, or made without the private key"};
    }
    if(hash == "SHA-1" || hash == "MD5") {
        throw Error{Errc::unsupported,
                    "the certificate request is signed with the weak hash " + in_quotes(hash),
                    "ask for a new request signed with SHA-256"};
    }
}

GeneralNames names_of(const Botan::PKCS10_Request& request) {
    const Botan::OID oid = Botan::Cert_Extension::Subject_Alternative_Name::static_oid();
    if(!request.extensions().extension_set(oid)) {
        return {};
    }
    return without_duplicates(decode_general_names(request.extensions().get_extension_bits(oid)));
}

}  // namespace

CertificateRequest read_request(std::span<const std::uint8_t> pem_or_der) {
    const std::vector<std::uint8_t> der = read_one(pem_or_der, labels, "a certificate request");
    try {
        const Proof proof = decode_proof(der);
        std::shared_ptr<const Botan::Public_Key> key = load_key(proof);
        require_possession(proof, *key);
        const Botan::PKCS10_Request request(der);
        return {DistinguishedName::from_botan(request.subject_dn()), std::move(key), names_of(request)};
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception&) {
        std::throw_with_nested(malformed_request());
    }
}

}  // namespace keyway::x509
