// SPDX-License-Identifier: BSD-2-Clause
// Certificates and lists compared octet by octet with those that openssl makes from the same keys and values;
// the signature schemes used here always give the same signature for the same bytes.
#include "openssl_ca.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/crl.hpp>

#include <botan/hex.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;
using x509::CertificateFields;
using x509::CertificateKind;
using x509::DistinguishedName;
using x509::GeneralName;
using x509::SerialNumber;

namespace {

template <typename Object>
std::string hex(const Object& object) {
    return Botan::hex_encode(object.BER_encode());
}

std::string hex(const std::string& der) {
    return Botan::hex_encode(bytes_of(der));
}

TestAuthority fixed_root(std::string_view key_type) {
    TestAuthority root;
    root.key = make_key(key_type);
    root.certificate =
        x509::issue_root(*root.key,
                         {
                             .subject = DistinguishedName::parse("CN=Example Røt,O=Example,C=NO"),
                             .serial = SerialNumber::from_hex("7F0102030405060708090A0B0C0D0E0F10111213"),
                             .validity = {day(2030, 1, 1), day(2059, 12, 31, std::chrono::hours(23))},
                         },
                         rng());
    return root;
}

}  // namespace

TEST_CASE("a root is what openssl makes of the same values") {
    const TestAuthority root = fixed_root(GENERATE("Ed25519", "Ed448", "RSA-2048"));
    const OpensslCa judge(root);
    CHECK(hex(root.certificate) == hex(judge.issue_root({
                                       .subject = "/C=NO/O=Example/CN=Example Røt",
                                       .serial = "7F0102030405060708090A0B0C0D0E0F10111213",
                                       .not_before = "20300101000000Z",
                                       .not_after = "20591231230000Z",
                                       .extensions = "basicConstraints = critical, CA:TRUE\n"
                                                     "keyUsage = critical, keyCertSign, cRLSign\n"
                                                     "subjectKeyIdentifier = hash\n"
                                                     "authorityKeyIdentifier = none\n",
                                   })));
}

TEST_CASE("an intermediate CA with everything is what openssl makes of the same values") {
    const TestAuthority root = fixed_root("Ed25519");
    const auto key = make_key("secp384r1");
    x509::Issuer issuer = root.issuer();
    const x509::NameConstraints constraints{
        .permitted = {x509::NameSubtree::dns("example.invalid"), x509::NameSubtree::ip("192.0.2.0/25"),
                      x509::NameSubtree::ip("2001:db8::/33"), x509::NameSubtree::email("a@example.invalid"),
                      x509::NameSubtree::uri_host(".example.invalid")},
        .excluded = {x509::NameSubtree::dns("secret.example.invalid"),
                     x509::NameSubtree::email(".example.invalid"),
                     x509::NameSubtree::directory(DistinguishedName::parse("O=Evil,C=NO"))},
    };
    const auto certificate = x509::issue_certificate(
        issuer, CertificateKind::intermediate, *key,
        {
            .subject = DistinguishedName::parse("CN=Example Issuing CA,C=NO"),
            .serial = SerialNumber::from_hex("80"),
            .validity = {day(2030, 5, 1), day(2040, 5, 1)},
            .urls = {.ocsp = {"http://ocsp.example.invalid/a"},
                     .ca_issuers = {"http://ca.example.invalid/root.der",
                                    "ldap://ca.example.invalid/cn=root"},
                     .crl = {"http://crl.example.invalid/1.crl", "http://crl2.example.invalid/1.crl"}},
            .path_length = 0,
            .name_constraints = constraints,
        },
        rng());
    CHECK(hex(certificate) ==
          hex(OpensslCa(root).issue(
              *key, {
                        .subject = "/C=NO/CN=Example Issuing CA",
                        .serial = "80",
                        .not_before = "20300501000000Z",
                        .not_after = "20400501000000Z",
                        .extensions = "basicConstraints = critical, CA:TRUE, pathlen:0\n"
                                      "keyUsage = critical, keyCertSign, cRLSign\n"
                                      "subjectKeyIdentifier = hash\n"
                                      "authorityKeyIdentifier = keyid:always\n"
                                      "nameConstraints = critical, @names\n"
                                      "authorityInfoAccess = OCSP;URI:http://ocsp.example.invalid/a, "
                                      "caIssuers;URI:http://ca.example.invalid/root.der, "
                                      "caIssuers;URI:ldap://ca.example.invalid/cn=root\n"
                                      "crlDistributionPoints = crl\n"
                                      "[crl]\n"
                                      "fullname = URI:http://crl.example.invalid/1.crl, "
                                      "URI:http://crl2.example.invalid/1.crl\n"
                                      "[names]\n"
                                      "permitted;DNS.1 = example.invalid\n"
                                      "permitted;IP.1 = 192.0.2.0/255.255.255.128\n"
                                      "permitted;IP.2 = 2001:db8::/ffff:ffff:8000::\n"
                                      "permitted;email.1 = a@example.invalid\n"
                                      "permitted;URI.1 = .example.invalid\n"
                                      "excluded;DNS.1 = secret.example.invalid\n"
                                      "excluded;email.1 = .example.invalid\n"
                                      "excluded;dirName = evil\n"
                                      "[evil]\n"
                                      "C = NO\n"
                                      "O = Evil\n",
                    })));
}

TEST_CASE("end entity certificates are what openssl makes of the same values") {
    struct Case {
        CertificateKind kind;
        std::string_view key_type;
        std::string extensions;
    };
    const Case c = GENERATE(values<Case>({
        {CertificateKind::server, "secp256r1",
         "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"},
        {CertificateKind::server, "RSA-2048",
         "keyUsage = critical, digitalSignature, keyEncipherment\nextendedKeyUsage = serverAuth\n"},
        {CertificateKind::client, "RSA-2048",
         "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n"},
        {CertificateKind::ocsp_responder, "Ed448",
         "keyUsage = critical, digitalSignature\nextendedKeyUsage = OCSPSigning\n"},
    }));
    const TestAuthority root = fixed_root("Ed25519");
    const auto key = make_key(c.key_type);
    x509::Issuer issuer = root.issuer();
    const bool responder = c.kind == CertificateKind::ocsp_responder;

    CertificateFields fields{
        .subject = DistinguishedName::parse("CN=end,C=NO"),
        .serial = SerialNumber::from_hex("1234"),
        .validity = {day(2030, 5, 1, std::chrono::seconds(1)), day(2031, 5, 1)},
    };
    if(!responder) {
        fields.alternative_names = {
            GeneralName::dns("b.example.invalid"),          GeneralName::ip("2001:db8::7"),
            GeneralName::dns("*.a.example.invalid"),        GeneralName::email("x@example.invalid"),
            GeneralName::uri("https://example.invalid/~x"), GeneralName::ip("192.0.2.7")};
    }
    const auto certificate = x509::issue_certificate(issuer, c.kind, *key, fields, rng());

    CHECK(hex(certificate) ==
          hex(OpensslCa(root).issue(
              *key, {
                        .subject = "/C=NO/CN=end",
                        .serial = "1234",
                        .not_before = "20300501000001Z",
                        .not_after = "20310501000000Z",
                        .extensions = "basicConstraints = critical, CA:FALSE\n" + c.extensions +
                                      "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid:always\n" +
                                      (responder ? "noCheck = ignored\n"
                                                 : "subjectAltName = DNS:b.example.invalid, IP:2001:db8::7, "
                                                   "DNS:*.a.example.invalid, email:x@example.invalid, "
                                                   "URI:https://example.invalid/~x, IP:192.0.2.7\n"),
                    })));
}

TEST_CASE("a certificate without a subject is what openssl makes of the same values") {
    const TestAuthority root = fixed_root("Ed25519");
    const auto key = make_key("Ed25519");
    x509::Issuer issuer = root.issuer();
    const auto certificate =
        x509::issue_certificate(issuer, CertificateKind::server, *key,
                                {
                                    .subject = DistinguishedName(),
                                    .serial = SerialNumber::from_hex("01"),
                                    .validity = {day(2049, 12, 31), day(2050, 1, 1)},
                                    .alternative_names = {GeneralName::dns("example.invalid")},
                                },
                                rng());
    CHECK(hex(certificate) == hex(OpensslCa(root).issue(
                                  *key, {
                                            .subject = "/",
                                            .serial = "01",
                                            .not_before = "20491231000000Z",
                                            .not_after = "20500101000000Z",
                                            .extensions = "basicConstraints = critical, CA:FALSE\n"
                                                          "keyUsage = critical, digitalSignature\n"
                                                          "extendedKeyUsage = serverAuth\n"
                                                          "subjectKeyIdentifier = hash\n"
                                                          "authorityKeyIdentifier = keyid:always\n"
                                                          "subjectAltName = critical, DNS:example.invalid\n",
                                        })));
}

TEST_CASE("revocation lists are what openssl makes of the same values") {
    const TestAuthority root = fixed_root(GENERATE("Ed25519", "RSA-2048"));
    const OpensslCa judge(root);
    x509::Issuer issuer = root.issuer();
    const auto entry = [](std::string_view serial, Botan::CRL_Code reason = Botan::CRL_Code::Unspecified) {
        return x509::RevokedCertificate{SerialNumber::from_hex(serial),
                                        day(2031, 1, 2, std::chrono::seconds(3)), reason};
    };

    SECTION("with nothing revoked") {
        const auto crl = x509::issue_crl(
            issuer, {.number = 1, .this_update = day(2031, 1, 1), .next_update = day(2031, 1, 8)}, rng());
        CHECK(hex(crl) == hex(judge.issue_crl("", "01", "20310101000000Z", "20310108000000Z",
                                              "authorityKeyIdentifier = keyid:always\n")));
    }
    SECTION("with the place where the list can be had") {
        const auto crl = x509::issue_crl(issuer,
                                         {.number = 255,
                                          .this_update = day(2031, 1, 1),
                                          .next_update = day(2031, 1, 8),
                                          .urls = {"http://a.invalid/1.crl", "http://b.invalid/1.crl"}},
                                         rng());
        CHECK(hex(crl) ==
              hex(judge.issue_crl("", "FF", "20310101000000Z", "20310108000000Z",
                                  "authorityKeyIdentifier = keyid:always\n"
                                  "issuingDistributionPoint = critical, @point\n"
                                  "[point]\n"
                                  "fullname = URI:http://a.invalid/1.crl, URI:http://b.invalid/1.crl\n")));
    }
    SECTION("for end entities or for authorities only") {
        struct Scope {
            x509::CrlScope scope;
            std::string line;
        };
        const Scope c = GENERATE(values<Scope>({{x509::CrlScope::end_entities, "onlyuser = TRUE\n"},
                                                {x509::CrlScope::authorities, "onlyCA = TRUE\n"}}));
        const auto crl = x509::issue_crl(issuer,
                                         {.number = 0,
                                          .this_update = day(2031, 1, 1),
                                          .next_update = day(2031, 1, 8),
                                          .scope = c.scope,
                                          .urls = {"http://a.invalid/1.crl"}},
                                         rng());
        CHECK(hex(crl) == hex(judge.issue_crl("", "00", "20310101000000Z", "20310108000000Z",
                                              "authorityKeyIdentifier = keyid:always\n"
                                              "issuingDistributionPoint = critical, @point\n"
                                              "[point]\n"
                                              "fullname = URI:http://a.invalid/1.crl\n" +
                                                  c.line)));
    }
    SECTION("with every reason, and serial numbers of every length") {
        const auto crl =
            x509::issue_crl(issuer,
                            {.number = 0x80FFFFFFFFFFFFFF,
                             .this_update = day(2049, 12, 31),
                             .next_update = day(2050, 1, 8),
                             .revoked = {entry("7F0102030405060708090A0B0C0D0E0F10111213"),
                                         entry("00000000000000000A", Botan::CRL_Code::KeyCompromise),
                                         entry("0100", Botan::CRL_Code::CaCompromise),
                                         entry("FF", Botan::CRL_Code::AffiliationChanged),
                                         entry("80", Botan::CRL_Code::Superseded),
                                         entry("01", Botan::CRL_Code::CessationOfOperation),
                                         entry("0200", Botan::CRL_Code::CertificateHold)}},
                            rng());
        const std::string index =
            "R\t400101000000Z\t310102000003Z\t7F0102030405060708090A0B0C0D0E0F10111213\tunknown\t/CN=a\n"
            "R\t400101000000Z\t310102000003Z,keyCompromise\t0A\tunknown\t/CN=b\n"
            "R\t400101000000Z\t310102000003Z,CACompromise\t0100\tunknown\t/CN=c\n"
            "R\t400101000000Z\t310102000003Z,affiliationChanged\tFF\tunknown\t/CN=d\n"
            "R\t400101000000Z\t310102000003Z,superseded\t80\tunknown\t/CN=e\n"
            "R\t400101000000Z\t310102000003Z,cessationOfOperation\t01\tunknown\t/CN=f\n"
            "R\t400101000000Z\t310102000003Z,certificateHold\t0200\tunknown\t/CN=g\n";
        CHECK(hex(crl) == hex(judge.issue_crl(index, "80FFFFFFFFFFFFFF", "20491231000000Z", "20500108000000Z",
                                              "authorityKeyIdentifier = keyid:always\n")));
    }
}
