// SPDX-License-Identifier: BSD-2-Clause
#include "certificate_maker.hpp"

#include <softhsm_fixtures/content_reader_internal.hpp>
#include <softhsm_fixtures/subject_internal.hpp>

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace fill {

namespace {

using softhsm_fixtures::internal::expanded;
using softhsm_fixtures::internal::from_hex;
using softhsm_fixtures::internal::parse_subject;
using softhsm_fixtures::internal::SubjectPart;
using Name = std::unique_ptr<X509_NAME, Freed<X509_NAME_free>>;
using AlternativeNames = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

[[nodiscard]] const EVP_MD* digest_for(const EVP_PKEY& key) {
    switch (type_of(key)) {
    case EntryType::ed25519:
    case EntryType::ed448: return nullptr;
    case EntryType::ec:
        if (EVP_PKEY_get_bits(&key) > 384) {
            return EVP_sha512();
        }
        return EVP_PKEY_get_bits(&key) > 256 ? EVP_sha384() : EVP_sha256();
    case EntryType::x25519:
    case EntryType::x448:
    case EntryType::dh: throw helper::Failure("the issuer's key cannot sign");
    default: return EVP_sha256();
    }
}

[[nodiscard]] Name name_of(const CertificateRequest& request) {
    const auto parts = request.recipe->subject.empty()
                           ? std::vector<SubjectPart>{{"CN", request.common_name}}
                           : parse_subject(expanded(request.recipe->subject, request.n));
    Name name(must_have(X509_NAME_new(), "no memory"));
    for (const SubjectPart& part : parts) {
        const auto* const value = reinterpret_cast<const unsigned char*>(part.value.data());
        if (X509_NAME_add_entry_by_txt(name.get(), part.type.c_str(), MBSTRING_UTF8, value,
                                       static_cast<int>(part.value.size()), -1, 0) != 1) {
            throw crypto_failure("the subject's " + part.type + " \"" + part.value + "\" cannot be used");
        }
    }
    return name;
}

void set_serial(X509& certificate, const CertificateRecipe& recipe) {
    Bytes serial = from_hex(recipe.serial).value_or(Bytes{});
    if (serial.empty()) {
        serial = random_bytes(16);
        serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3fU) | 0x40U); // positive, and as long as it is
    }
    const Number number(
        must_have(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr), "no memory"));
    static_cast<void>(
        must_have(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)), "no memory"));
}

void set_validity(X509& certificate, const CertificateRecipe& recipe) {
    // A clock that is a little behind is no reason to refuse a certificate that has just been made.
    constexpr int backdated = 300;
    std::time_t now = std::time(nullptr);
    const bool dated =
        X509_time_adj_ex(X509_getm_notBefore(&certificate), recipe.starts, -backdated, &now) != nullptr &&
        X509_time_adj_ex(X509_getm_notAfter(&certificate), recipe.starts + recipe.days, 0, &now) != nullptr;
    must(dated ? 1 : 0, "no such date");
}

void add_extension(X509& certificate, X509V3_CTX& context, int nid, const char* value) {
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
        must_have(X509V3_EXT_nconf_nid(nullptr, &context, nid, value), "cannot make an extension"));
    must(X509_add_ext(&certificate, extension.get(), -1), "no memory");
}

void add_name(GENERAL_NAMES& names, int type, ASN1_STRING* value) {
    GENERAL_NAME* name = must_have(GENERAL_NAME_new(), "no memory");
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(&names, name) <= 0) {
        GENERAL_NAME_free(name);
        throw helper::Failure("no memory");
    }
}

/// Built by hand, as OpenSSL's text form gives commas in a name a meaning.
void add_alternative_names(X509& certificate, const CertificateRequest& request) {
    const AlternativeNames names(must_have(GENERAL_NAMES_new(), "no memory"));
    for (const std::string& pattern : request.recipe->dns) {
        const std::string dns = expanded(pattern, request.n);
        ASN1_IA5STRING* value = must_have(ASN1_IA5STRING_new(), "no memory");
        must(ASN1_STRING_set(value, dns.data(), static_cast<int>(dns.size())), "no memory");
        add_name(*names, GEN_DNS, value);
    }
    for (const std::string& ip : request.recipe->ip) {
        ASN1_OCTET_STRING* value = a2i_IPADDRESS(ip.c_str());
        if (value == nullptr) {
            throw helper::Failure("\"" + ip + "\" is not an IP address");
        }
        add_name(*names, GEN_IPADD, value);
    }
    if (sk_GENERAL_NAME_num(names.get()) > 0) {
        must(X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, 0),
             "cannot make an extension");
    }
}

[[nodiscard]] const char* key_usage(const CertificateRequest& request) {
    if (request.recipe->ca) {
        return "critical,digitalSignature,keyCertSign,cRLSign";
    }
    switch (type_of(*request.key)) {
    case EntryType::rsa: return "critical,digitalSignature,keyEncipherment";
    case EntryType::x25519:
    case EntryType::x448:
    case EntryType::dh: return "critical,keyAgreement";
    default: return "critical,digitalSignature";
    }
}

void add_extensions(X509& certificate, const CertificateRequest& request) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, request.issuer == nullptr ? &certificate : request.issuer, &certificate, nullptr,
                   nullptr, 0);
    add_extension(certificate, context, NID_basic_constraints,
                  request.recipe->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, context, NID_key_usage, key_usage(request));
    add_extension(certificate, context, NID_subject_key_identifier, "hash");
    const X509* issuer = request.issuer == nullptr ? &certificate : request.issuer;
    if (X509_get_ext_by_NID(issuer, NID_subject_key_identifier, -1) >= 0) {
        add_extension(certificate, context, NID_authority_key_identifier, "keyid:always");
    }
    add_alternative_names(certificate, request);
}

/// Tag, length and content.
[[nodiscard]] Bytes der_element(std::uint8_t tag, const Bytes& content) {
    Bytes der;
    der.reserve(content.size() + 8);
    der.push_back(tag);
    std::size_t octets = 0;
    for (std::size_t rest = content.size(); rest != 0; rest >>= 8U) {
        ++octets;
    }
    if (content.size() >= 0x80) {
        der.push_back(static_cast<std::uint8_t>(0x80U | octets));
    }
    for (std::size_t shift = content.size() >= 0x80 ? octets : 1; shift-- > 0;) {
        der.push_back(static_cast<std::uint8_t>((content.size() >> (8 * shift)) & 0xffU));
    }
    der.insert(der.end(), content.begin(), content.end());
    return der;
}

/// Signs and puts the three parts together: the same for every signer, as a token gives only the signature.
[[nodiscard]] Certificate signed_certificate(X509& certificate, const Signer& signer) {
    const EVP_MD* digest = digest_for(*signer.public_key);
    const int key_nid = EVP_PKEY_get_base_id(signer.public_key);
    int algorithm = key_nid; // of EdDSA
    if (digest != nullptr) {
        must(OBJ_find_sigid_by_algs(&algorithm, EVP_MD_get_type(digest), key_nid),
             "no such signature algorithm");
    }
    const int parameters = key_nid == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF;
    // The certificate is ours; OpenSSL only has no other way to name the algorithm before the signature is
    // there.
    auto* inner = const_cast<X509_ALGOR*>(X509_get0_tbs_sigalg(&certificate));
    must(X509_ALGOR_set0(inner, OBJ_nid2obj(algorithm), parameters, nullptr), "no memory");

    const Bytes to_sign = der_of(&certificate, i2d_re_X509_tbs);
    Bytes bits = signer.sign(to_sign, digest);
    bits.insert(bits.begin(), 0); // no unused bits

    Bytes content = to_sign;
    for (const Bytes& part : {der_of(inner, i2d_X509_ALGOR), der_element(V_ASN1_BIT_STRING, bits)}) {
        content.insert(content.end(), part.begin(), part.end());
    }
    const Bytes der = der_element(V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, content);
    const unsigned char* at = der.data();
    Certificate result(must_have(d2i_X509(nullptr, &at, static_cast<long>(der.size())), "cannot read back"));
    if (X509_verify(result.get(), const_cast<EVP_PKEY*>(signer.public_key)) != 1) {
        throw crypto_failure("the certificate's signature is wrong");
    }
    return result;
}

} // namespace

Certificate make_certificate(const CertificateRequest& request, const Signer& signer) {
    const Certificate certificate(must_have(X509_new(), "no memory"));
    must(X509_set_version(certificate.get(), X509_VERSION_3), "no memory");
    set_serial(*certificate, *request.recipe);
    set_validity(*certificate, *request.recipe);
    const Name subject = name_of(request);
    must(X509_set_subject_name(certificate.get(), subject.get()), "no memory");
    const X509_NAME* issuer =
        request.issuer == nullptr ? subject.get() : X509_get_subject_name(request.issuer);
    must(X509_set_issuer_name(certificate.get(), issuer), "no memory");
    must(X509_set_pubkey(certificate.get(), request.key), "cannot encode the public key");
    add_extensions(*certificate, request);
    return signed_certificate(*certificate, signer);
}

Certificate read_certificate(const std::string& pem) {
    const std::unique_ptr<BIO, Freed<BIO_free_all>> text(
        must_have(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "no memory"));
    Certificate certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
        throw crypto_failure("the PEM holds no certificate that can be read");
    }
    if (const Certificate second(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)); second) {
        throw helper::Failure("the PEM holds more than one certificate; make an entry for each");
    }
    return certificate;
}

void add_certificate_value(Template& out, X509& certificate, bool ca) {
    constexpr CK_ULONG category_authority = 2; // PKCS#11 2.40 4.6.2
    out.add_number(CKA_CERTIFICATE_TYPE, CKC_X_509);
    if (ca) {
        out.add_number(CKA_CERTIFICATE_CATEGORY, category_authority);
    }
    out.add(CKA_SUBJECT, der_of(X509_get_subject_name(&certificate), i2d_X509_NAME));
    out.add(CKA_ISSUER, der_of(X509_get_issuer_name(&certificate), i2d_X509_NAME));
    out.add(CKA_SERIAL_NUMBER, der_of(X509_get0_serialNumber(&certificate), i2d_ASN1_INTEGER));
    out.add(CKA_VALUE, der_of(&certificate, i2d_X509));
}

} // namespace fill
