// SPDX-License-Identifier: BSD-2-Clause
// What is not issued, and why.
#include "remote_key.hpp"
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/crl.hpp>
#include <keyway/x509/pem.hpp>
#include <keyway/x509/request.hpp>

#include <botan/bigint.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/pkcs8.h>
#include <botan/x25519.h>

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

CertificateFields ca_fields(std::string_view name = "CN=Intermediate") {
    return {
        .subject = DistinguishedName::parse(name),
        .serial = SerialNumber::random(rng()),
        .validity = valid_for_years(5),
    };
}

/// A certificate that openssl makes for a key of its own, with these extensions, and the key.
TestAuthority made_by_openssl(const std::string& extensions) {
    const Folder folder;
    TestAuthority authority;
    authority.key = make_key("Ed25519");
    folder.write("ca.key", private_key_pem(*authority.key));
    folder.write("ca.cnf", "[req]\ndistinguished_name = dn\n[dn]\n[ext]\n" + extensions);
    openssl(folder, {"req", "-x509", "-config", "ca.cnf", "-extensions", "ext", "-key", "ca.key", "-subj",
                     "/CN=Foreign CA", "-days", "20000", "-out", "ca.pem"});
    authority.certificate = x509::read_certificate(bytes_of(folder.read("ca.pem")));
    return authority;
}

/// A year that any certificate which openssl made today is valid in.
x509::Validity within_openssl_days() {
    return {day(2060, 1, 1), day(2061, 1, 1)};
}

}  // namespace

TEST_CASE("an issuer's key must be that of its certificate") {
    const TestAuthority root = make_root("secp256r1");
    const auto type = GENERATE("secp256r1", "secp256k1", "RSA-2048", "Ed25519");
    const auto other = make_key(type);
    CHECK(error_of([&] { return x509::Issuer(root.certificate, *other, rng()); }) == Errc::key_mismatch);
    CHECK(message_of([&] { return x509::Issuer(root.certificate, *other, rng()); }) ==
          R"(the private key is not the one of the certificate "CN=Example Root,O=Example,C=NO")");
}

TEST_CASE("only a CA that may sign certificates issues them") {
    const auto key = make_key("Ed25519");
    SECTION("an end entity does not") {
        const TestAuthority root = make_root();
        x509::Issuer issuer = root.issuer();
        x509::Issuer end(
            x509::issue_certificate(issuer, CertificateKind::server, *key, server_fields(), rng()), *key,
            rng());
        CHECK(message_of([&] {
                  return x509::issue_certificate(end, CertificateKind::server, *key, server_fields(), rng());
              }) == R"(the issuer "CN=www.example.invalid" is not a CA that may sign certificates)");
        CHECK(error_of([&] {
                  return x509::issue_crl(
                      end, {.number = 1, .this_update = today(), .next_update = day(2031, 6, 1)}, rng());
              }) == Errc::invalid_argument);
    }
    SECTION("a CA for revocation lists alone does not") {
        const TestAuthority ca =
            made_by_openssl("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n");
        x509::Issuer issuer = ca.issuer();
        auto fields = server_fields();
        fields.validity = within_openssl_days();
        CHECK(error_of([&] {
                  return x509::issue_certificate(issuer, CertificateKind::server, *key, fields, rng());
              }) == Errc::invalid_argument);
    }
    SECTION("a CA for certificates alone signs no lists") {
        const TestAuthority ca =
            made_by_openssl("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
        x509::Issuer issuer = ca.issuer();
        CHECK(message_of([&] {
                  return x509::issue_crl(
                      issuer, {.number = 1, .this_update = day(2060, 1, 1), .next_update = day(2060, 1, 2)},
                      rng());
              }) == R"(the issuer "CN=Foreign CA" is not a CA that may sign revocation lists)");
    }
    SECTION("a foreign CA without key usage and key identifiers does") {
        const TestAuthority ca = made_by_openssl(
            "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n");
        REQUIRE(ca.certificate.subject_key_id().empty());
        x509::Issuer issuer = ca.issuer();
        auto fields = server_fields();
        fields.validity = within_openssl_days();
        const auto certificate =
            x509::issue_certificate(issuer, CertificateKind::server, *key, fields, rng());
        CHECK(certificate.authority_key_id() == ca.certificate.subject_public_key_bitstring_sha1());
    }
}

TEST_CASE("validity lies within the issuer's and has a length") {
    const TestAuthority root = make_root();
    x509::Issuer issuer = root.issuer();
    const auto issue = [&](x509::Validity validity) {
        auto fields = server_fields();
        fields.validity = validity;
        return error_of([&] {
            return x509::issue_certificate(issuer, CertificateKind::server, *root.key, fields, rng());
        });
    };
    const auto second = std::chrono::seconds(1);
    const auto begin = day(2030, 5, 1);
    const auto end = day(2041, 5, 1);
    CHECK(issue({begin, end}) == std::nullopt);
    CHECK(issue({begin, begin + second}) == std::nullopt);
    CHECK(issue({begin - second, end}) == Errc::invalid_argument);
    CHECK(issue({begin, end + second}) == Errc::invalid_argument);
    CHECK(issue({end + second, end + 2 * second}) == Errc::invalid_argument);  // the issuer has expired
    CHECK(issue({begin, begin}) == Errc::invalid_argument);
    CHECK(issue({begin + second, begin}) == Errc::invalid_argument);
    CHECK(issue({day(1949, 12, 31), end}) == Errc::invalid_argument);
}

TEST_CASE("the refusal of a validity tells both spans") {
    const TestAuthority root = make_root();
    x509::Issuer issuer = root.issuer();
    auto fields = server_fields();
    fields.validity.not_after = day(2042, 1, 1);
    try {
        static_cast<void>(x509::issue_certificate(issuer, CertificateKind::server, *root.key, fields, rng()));
        FAIL("issued");
    } catch(const Error& error) {
        CHECK(error.message() ==
              "the validity from 2030-05-01T00:00:00Z to 2042-01-01T00:00:00Z is not within that of "
              "the issuer "
              "\"CN=Example Root,O=Example,C=NO\"");
        CHECK(error.hint() == "the issuer is valid from 2030-05-01T00:00:00Z to 2041-05-01T00:00:00Z");
    }
}

TEST_CASE("path lengths are kept") {
    const auto key = make_key("Ed25519");
    const auto issue = [&](std::optional<std::size_t> root_length, CertificateKind kind,
                           std::optional<std::size_t> length) {
        const TestAuthority root = make_root("Ed25519", {}, root_length);
        x509::Issuer issuer = root.issuer();
        auto fields = kind == CertificateKind::server ? server_fields() : ca_fields();
        fields.path_length = length;
        return error_of([&] { return x509::issue_certificate(issuer, kind, *key, fields, rng()); });
    };
    CHECK(issue(0, CertificateKind::server, {}) == std::nullopt);
    CHECK(issue(0, CertificateKind::intermediate, {}) == Errc::invalid_argument);
    CHECK(issue(0, CertificateKind::intermediate, 0) == Errc::invalid_argument);
    CHECK(issue(1, CertificateKind::intermediate, 0) == std::nullopt);
    CHECK(issue(1, CertificateKind::intermediate, {}) == std::nullopt);
    CHECK(issue(1, CertificateKind::intermediate, 1) == Errc::invalid_argument);
    CHECK(issue({}, CertificateKind::intermediate, 7) == std::nullopt);
    CHECK(issue({}, CertificateKind::server, 0) == Errc::invalid_argument);
}

TEST_CASE("a profile says what its certificates have") {
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const auto issue = [&](CertificateKind kind, const CertificateFields& fields) {
        return message_of([&] { return x509::issue_certificate(issuer, kind, *root.key, fields, rng()); });
    };
    auto fields = server_fields();

    SECTION("a server needs a name") {
        fields.alternative_names.clear();
        CHECK(issue(CertificateKind::server, fields) ==
              R"(a certificate of profile "server" must have an alternative name)");
    }
    SECTION("a client needs a name of either kind") {
        fields.subject = DistinguishedName();
        CHECK(issue(CertificateKind::client, fields).empty());
        fields.alternative_names.clear();
        CHECK(issue(CertificateKind::client, fields) ==
              R"(a certificate of profile "client" must have a subject or an alternative name)");
    }
    SECTION("a CA must have a subject") {
        fields.subject = DistinguishedName();
        CHECK(issue(CertificateKind::intermediate, fields) ==
              R"(a certificate of profile "intermediate" must have a subject)");
    }
    SECTION("an OCSP responder is not looked up for revocation") {
        fields.urls.crl = {"http://crl.invalid/"};
        CHECK(issue(CertificateKind::ocsp_responder, fields) ==
              R"(a certificate of profile "ocsp" cannot have a URL of an OCSP responder or CRL)");
    }
    SECTION("only CAs constrain names, and then some") {
        fields.name_constraints = x509::NameConstraints{};
        CHECK(issue(CertificateKind::server, fields) ==
              R"(a certificate of profile "server" cannot have name constraints)");
        CHECK(issue(CertificateKind::intermediate, fields) ==
              R"(a certificate of profile "intermediate" has name constraints that constrain nothing)");
    }
    SECTION("a root has no other issuer") {
        CHECK(issue(CertificateKind::root, ca_fields()) ==
              R"(a certificate of profile "root" signs itself and has no other issuer)");
    }
    SECTION("a root cannot have a URLs of an issuer") {
        auto root_fields = ca_fields();
        root_fields.urls.ca_issuers = {"http://ca.invalid/"};
        CHECK(message_of([&] { return x509::issue_root(*root.key, root_fields, rng()); }) ==
              R"(a certificate of profile "root" cannot have a URL of the issuer)");
    }
    SECTION("URLs are URLs") {
        fields.urls.ocsp = {"ocsp.invalid"};
        CHECK(issue(CertificateKind::server, fields) == R"("ocsp.invalid" is not an absolute URI)");
    }
}

TEST_CASE("weak keys and keys that cannot sign get no certificate") {
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const auto issue = [&](const Botan::Public_Key& key) {
        return message_of([&] {
            return x509::issue_certificate(issuer, CertificateKind::server, key, server_fields(), rng());
        });
    };
    const auto rsa_1024 = make_key("RSA-1024");
    const auto p192 = make_key("secp192r1");
    const Botan::X25519_PrivateKey x25519(rng());
    CHECK(issue(*rsa_1024) == "an RSA key of 1024 bits is too weak for certificates");
    CHECK(issue(*p192) == "an ECDSA key of 192 bits is too weak for certificates");
    CHECK(issue(x25519) == R"(a key of type "X25519" does not fit profile "server")");
    CHECK(error_of([&] { return x509::issue_root(*rsa_1024, ca_fields(), rng()); }) == Errc::unsupported);
    CHECK(error_of([&] { return x509::issue_root(*p192, ca_fields(), rng()); }) == Errc::unsupported);
    CHECK(error_of([&] {
              return x509::issue_root(*make_key("RSA-2048"), ca_fields(), rng(), {"sha1", {}});
          }) == Errc::unsupported);
    CHECK(error_of([&] {
              return x509::issue_root(*root.key, ca_fields(), rng(), {"sha256", {}});
          }) == Errc::unsupported);
}

TEST_CASE("a key on a curve without a name gets no certificate") {
    // P-256 with twice its generator
    const auto p256 = Botan::EC_Group::from_name("secp256r1");
    const auto point = Botan::EC_AffinePoint::generator(p256)
                           .mul(Botan::EC_Scalar::from_bigint(p256, Botan::BigInt(2)), rng())
                           .serialize_uncompressed();
    const Botan::EC_Group nameless(
        p256.get_p(), p256.get_a(), p256.get_b(), Botan::BigInt::from_bytes(std::span(point).subspan(1, 32)),
        Botan::BigInt::from_bytes(std::span(point).subspan(33, 32)), p256.get_order(), 1);
    const Botan::ECDSA_PrivateKey key(rng(), nameless);
    CHECK(message_of([&] { return x509::issue_root(key, ca_fields(), rng()); }) ==
          "an ECDSA key does not name its curve");
}

TEST_CASE("a curve that a request spells out is named in the certificate") {
    const Folder folder;
    openssl(folder, {"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt",
                     "ec_param_enc:explicit", "-nodes", "-keyout", "key.pem", "-subj", "/CN=x", "-out",
                     "request.pem"});
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const auto request = x509::read_request(bytes_of(folder.read("request.pem")));
    const auto certificate =
        x509::issue_certificate(issuer, CertificateKind::server, *request.public_key, server_fields(), rng());
    const auto& parameters = certificate.subject_public_key_algo().parameters();
    CHECK(parameters == Botan::OID({1, 2, 840, 10045, 3, 1, 7}).BER_encode());
}

TEST_CASE("a key that refuses a scheme is reported as such") {
    const RemoteKey key(make_key("RSA-2048"), Signing::refused);
    CHECK(message_of([&] {
              return x509::issue_root(key, ca_fields(), rng(), {"sha384", {}});
          }) == R"(the key cannot sign with the scheme "rsa-pkcs1v15-sha384": no such mechanism)");
}

TEST_CASE("a signature that does not verify is not handed out") {
    const auto type = GENERATE("RSA-2048", "secp256r1", "Ed25519");
    const auto inner = make_key(type);
    const auto copy = [&](Signing signing) {
        // the same key again, by way of its encoding
        return RemoteKey(Botan::PKCS8::copy_key(*inner), signing);
    };
    const RemoteKey faithful = copy(Signing::faithful);
    const RemoteKey damaged = copy(Signing::damaged);
    const RemoteKey broken = copy(Signing::broken);
    auto fields = ca_fields();
    fields.validity = valid_for_years(10);
    const auto root = x509::issue_root(faithful, fields, rng());

    CHECK(error_of([&] { return x509::issue_root(damaged, fields, rng()); }) == Errc::verification_failed);
    CHECK_THROWS_AS(x509::issue_root(broken, fields, rng()), std::runtime_error);

    x509::Issuer issuer(root, damaged, rng());
    CHECK(error_of([&] {
              return x509::issue_certificate(issuer, CertificateKind::server, *inner, server_fields(), rng());
          }) == Errc::verification_failed);
    CHECK(error_of([&] {
              return x509::issue_crl(
                  issuer, {.number = 1, .this_update = today(), .next_update = day(2031, 6, 1)}, rng());
          }) == Errc::verification_failed);
}
