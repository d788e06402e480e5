// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/crl.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;
using x509::CertificateKind;
using x509::SerialNumber;

TEST_CASE("revocation lists are refused where they say something impossible") {
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const x509::CrlFields good{.number = 1, .this_update = today(), .next_update = day(2031, 5, 8)};
    const auto issue = [&](const x509::CrlFields& fields) {
        return message_of([&] { return x509::issue_crl(issuer, fields, rng()); });
    };
    CHECK(issue(good).empty());

    auto fields = good;
    fields.revoked = {{SerialNumber::from_hex("0A"), day(2031, 1, 1)},
                      {SerialNumber::from_hex("01"), day(2031, 1, 1)},
                      {SerialNumber::from_hex("00:0A"), day(2031, 1, 2)}};
    CHECK(issue(fields) == R"(serial number "0A" is in the list twice)");

    fields = good;
    fields.revoked = {{SerialNumber::from_hex("0A"), day(2031, 1, 1), Botan::CRL_Code::RemoveFromCrl}};
    CHECK(issue(fields) == R"(serial number "0A" has the reason "removeFromCRL")");

    fields.revoked = {{SerialNumber::from_hex("0A"), day(2031, 5, 2)}};
    CHECK(issue(fields) == R"(serial number "0A" is revoked at 2031-05-02T00:00:00Z, after the time of the list)");

    fields = good;
    fields.next_update = fields.this_update;
    CHECK(issue(fields) ==
          "the next update at 2031-05-01T00:00:00Z is not after this one at 2031-05-01T00:00:00Z");

    fields = good;
    fields.this_update = day(2041, 5, 2);
    fields.next_update = day(2041, 5, 3);
    CHECK(issue(fields) ==
          "the update at 2041-05-02T00:00:00Z is not within the validity of the issuer \"CN=Example "
          "Root,O=Example,C=NO\"");

    fields = good;
    fields.urls = {"crl.invalid"};
    CHECK(issue(fields) == R"("crl.invalid" is not an absolute URI)");
}

TEST_CASE("a list finds the certificates it revokes, whatever zeros their serial numbers begin with") {
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const std::string serial = GENERATE(as<std::string>{}, "00000001", "0080", "00FF00", "7F", "0102");
    auto fields = server_fields();
    fields.serial = SerialNumber::from_hex(serial);
    const auto revoked = x509::issue_certificate(issuer, CertificateKind::server, *root.key, fields, rng());
    const auto other =
        x509::issue_certificate(issuer, CertificateKind::server, *root.key, server_fields(), rng());
    const auto crl = x509::issue_crl(issuer,
                                     {.number = 4294967296,
                                      .this_update = today(),
                                      .next_update = day(2031, 5, 8),
                                      .revoked = {{SerialNumber::of(revoked), day(2031, 1, 1)}}},
                                     rng());
    CHECK(crl.is_revoked(revoked));
    CHECK_FALSE(crl.is_revoked(other));

    const Folder folder;
    folder.write("root.pem", root.certificate.PEM_encode());
    folder.write("crl.pem", crl.PEM_encode());
    const ProcessResult verified = try_openssl(
        folder, {"crl", "-in", "crl.pem", "-noout", "-verify", "-CAfile", "root.pem", "-crlnumber"});
    CHECK(verified == ProcessResult{0, "crlNumber=0x0100000000\n", "verify OK\n"});
}
