// SPDX-License-Identifier: BSD-2-Clause
// A whole authority for every type of key, with openssl's strict path validation as judge.
#include "remote_key.hpp"
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/crl.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;
using x509::CertificateKind;
using x509::DistinguishedName;
using x509::GeneralName;
using x509::SerialNumber;

namespace {

struct Case {
    std::string_view key_type;
    std::string_view wish;       ///< or empty
    std::string_view signature;  ///< as openssl calls it
};

SignatureWish wish_of(const Case& c) {
    return c.wish.empty() ? SignatureWish{} : parse_signature_wish(c.wish);
}

x509::CertificateFields fields(std::string_view name) {
    return {
        .subject = DistinguishedName::parse(name),
        .serial = SerialNumber::random(rng()),
        .validity = valid_for_years(1),
    };
}

Botan::X509_CRL list(x509::Issuer& issuer, std::vector<x509::RevokedCertificate> revoked = {}) {
    return x509::issue_crl(issuer,
                           {.number = 1,
                            .this_update = day(2031, 4, 30),
                            .next_update = day(2031, 5, 7),
                            .revoked = std::move(revoked)},
                           rng());
}

/// The algorithm lines of openssl's text: that of the to-be-signed part and that of the signature.
std::vector<std::string> signature_algorithms(const std::string& text) {
    std::vector<std::string> found;
    const std::string mark = "Signature Algorithm: ";
    for(std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
        const std::size_t begin = at + mark.size();
        found.push_back(text.substr(begin, text.find_first_of(" \n", begin) - begin));
    }
    return found;
}

}  // namespace

TEST_CASE("openssl accepts a whole authority under every scheme") {
    const Case c = GENERATE(values<Case>({
        {"RSA-2048", "", "sha256WithRSAEncryption"},
        {"RSA-3072", "sha512", "sha512WithRSAEncryption"},
        {"RSA-2048", "sha3-256", "RSA-SHA3-256"},  // OpenSSL 3.0 finds no issuer for its own ECDSA with SHA-3
        {"RSA-2048", "pss-sha256", "rsassaPss"},
        {"RSA-2048", "pss-sha512", "rsassaPss"},
        {"secp256r1", "", "ecdsa-with-SHA256"},
        {"secp384r1", "", "ecdsa-with-SHA384"},
        {"secp521r1", "", "ecdsa-with-SHA512"},
        {"secp256k1", "", "ecdsa-with-SHA256"},
        {"brainpool256r1", "", "ecdsa-with-SHA256"},
        {"brainpool384r1", "", "ecdsa-with-SHA384"},
        {"brainpool512r1", "", "ecdsa-with-SHA512"},
        {"Ed25519", "", "ED25519"},
        {"Ed448", "", "ED448"},
    }));
    const SignatureWish wish = wish_of(c);
    const Folder folder;

    const RemoteKey root_key(make_key(c.key_type));
    const RemoteKey intermediate_key(make_key(c.key_type));
    const auto server_key = make_key(c.key_type);
    const auto ocsp_key = make_key(c.key_type);

    auto root_fields = fields("CN=Root,O=Example,C=NO");
    root_fields.validity = valid_for_years(10);
    x509::Issuer root(x509::issue_root(root_key, root_fields, rng(), wish), root_key, rng(), wish);

    auto intermediate_fields = fields("CN=Intermediate,O=Example,C=NO");
    intermediate_fields.validity = valid_for_years(5);
    intermediate_fields.path_length = 0;
    x509::Issuer intermediate(
        x509::issue_certificate(root, CertificateKind::intermediate, *intermediate_key.public_key(),
                                intermediate_fields, rng()),
        intermediate_key, rng(), wish);

    auto server_fields = fields("CN=www.example.invalid");
    server_fields.alternative_names = {GeneralName::dns("www.example.invalid"), GeneralName::ip("192.0.2.1")};
    server_fields.urls = {.ocsp = {"http://ocsp.example.invalid"},
                          .ca_issuers = {"http://ca.example.invalid/ca.der"},
                          .crl = {"http://crl.example.invalid/ca.crl"}};
    const auto server =
        x509::issue_certificate(intermediate, CertificateKind::server, *server_key, server_fields, rng());
    const auto ocsp = x509::issue_certificate(intermediate, CertificateKind::ocsp_responder, *ocsp_key,
                                              fields("CN=OCSP,O=Example"), rng());

    folder.write("root.pem", root.certificate().PEM_encode());
    folder.write("intermediate.pem", intermediate.certificate().PEM_encode());
    folder.write("server.pem", server.PEM_encode());
    folder.write("ocsp.pem", ocsp.PEM_encode());
    folder.write("crls.pem", list(root).PEM_encode() + list(intermediate).PEM_encode());
    folder.write("revoked.pem",
                 list(root).PEM_encode() + list(intermediate, {{SerialNumber::of(server), day(2031, 4, 1),
                                                                Botan::CRL_Code::KeyCompromise}})
                                               .PEM_encode());

    const std::vector<std::string> verify{"verify",           "-x509_strict",   "-attime",
                                          attime(),           "-crl_check_all", "-untrusted",
                                          "intermediate.pem", "-CAfile",        "root.pem"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), verify.begin(), verify.end());
        return more;
    };
    CHECK(openssl(folder, with({"-CRLfile", "crls.pem", "-purpose", "sslserver", "-verify_hostname",
                                "www.example.invalid", "-verify_ip", "192.0.2.1", "server.pem"})) ==
          "server.pem: OK\n");
    CHECK(openssl(folder, with({"-CRLfile", "crls.pem", "-purpose", "ocsphelper", "ocsp.pem"})) ==
          "ocsp.pem: OK\n");
    CHECK(openssl(folder, with({"-CRLfile", "revoked.pem", "-purpose", "ocsphelper", "ocsp.pem"})) ==
          "ocsp.pem: OK\n");

    const ProcessResult refused = try_openssl(folder, with({"-CRLfile", "revoked.pem", "server.pem"}));
    CHECK(refused.status == 2);
    // The first line is the name, which OpenSSL 3.0 writes with other blanks than later ones.
    CHECK(refused.err.substr(refused.err.find('\n') + 1) ==
          "error 23 at 0 depth lookup: certificate revoked\nerror server.pem: verification failed\n");

    const ProcessResult wrong_purpose =
        try_openssl(folder, with({"-CRLfile", "crls.pem", "-purpose", "sslclient", "server.pem"}));
    CHECK(wrong_purpose.status == 2);

    for(const std::string file : {"root.pem", "intermediate.pem", "server.pem", "ocsp.pem"}) {
        CHECK(signature_algorithms(openssl(folder, {"x509", "-in", file, "-noout", "-text"})) ==
              std::vector<std::string>(2, std::string(c.signature)));
    }
    CHECK(signature_algorithms(openssl(folder, {"crl", "-in", "crls.pem", "-noout", "-text"})) ==
          std::vector<std::string>(2, std::string(c.signature)));
}

TEST_CASE("authorities may mix types of keys") {
    const auto subject_type = GENERATE("RSA-2048", "secp384r1", "Ed25519", "Ed448");
    const auto issuer_type = GENERATE("RSA-2048", "secp256r1", "Ed25519");
    const TestAuthority root = make_root(issuer_type);
    x509::Issuer issuer = root.issuer();
    const auto key = make_key(subject_type);
    const auto certificate =
        x509::issue_certificate(issuer, CertificateKind::server, *key, server_fields(), rng());

    const Folder folder;
    folder.write("root.pem", root.certificate.PEM_encode());
    folder.write("server.pem", certificate.PEM_encode());
    CHECK(openssl(folder, {"verify", "-x509_strict", "-attime", attime(), "-purpose", "sslserver", "-CAfile",
                           "root.pem", "server.pem"}) == "server.pem: OK\n");
}

TEST_CASE("keys that OpenSSL 3.0 does not know issue as well") {
    const auto type = GENERATE("ML-DSA-4x4", "ML-DSA-6x5", "ML-DSA-8x7", "SLH-DSA-SHA2-128f");
    const TestAuthority root = make_root(type);
    x509::Issuer issuer = root.issuer();
    const auto certificate =
        x509::issue_certificate(issuer, CertificateKind::server, *make_key(type), server_fields(), rng());
    CHECK(root.certificate.check_signature(*root.key));
    CHECK(certificate.check_signature(*root.key));
    // RFC 9881 2, RFC 9909 3: no parameters
    CHECK(certificate.signature_algorithm().parameters_are_empty());
    CHECK(certificate.signature_algorithm() == root.key->algorithm_identifier());
}

TEST_CASE("the parameters of RSA-PSS are those that openssl writes") {
    const std::string hash = GENERATE("sha256", "sha384", "sha512");
    const TestAuthority root = make_root("RSA-2048", {hash, RsaPadding::pss});
    const Folder folder;
    folder.write("root.key", private_key_pem(*root.key));
    openssl(folder, {"req", "-x509", "-key", "root.key", "-subj", "/CN=x", "-" + hash, "-sigopt",
                     "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "-out", "judge.pem"});
    const Botan::X509_Certificate judge((folder.path() / "judge.pem").string());
    CHECK(root.certificate.signature_algorithm().BER_encode() == judge.signature_algorithm().BER_encode());
}

TEST_CASE("what is issued says what was asked") {
    const TestAuthority root = make_root("Ed25519", {}, 3);
    x509::Issuer issuer = root.issuer();
    const auto key = make_key("Ed25519");
    const auto asked = server_fields();
    const auto certificate = x509::issue_certificate(issuer, CertificateKind::server, *key, asked, rng());

    CHECK(certificate.x509_version() == 3);
    CHECK(SerialNumber::of(certificate) == asked.serial);
    CHECK(DistinguishedName::from_botan(certificate.subject_dn()) == asked.subject);
    CHECK(certificate.raw_issuer_dn() == root.certificate.raw_subject_dn());
    CHECK(certificate.subject_public_key_info() == key->subject_public_key());
    CHECK(certificate.authority_key_id() == root.certificate.subject_key_id());
    CHECK(x509::validity_of(certificate) == asked.validity);
    CHECK(root.certificate.path_length_constraint() == 3);
    CHECK(root.certificate.is_self_signed());
}
