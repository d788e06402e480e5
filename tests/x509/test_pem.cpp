// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <keyway/x509/crl.hpp>
#include <keyway/x509/pem.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace keyway;
using namespace keyway::test;

namespace {

std::string as_text(const std::vector<std::uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("certificates are read in PEM and DER") {
    const TestAuthority root = make_root("Ed25519");
    const TestAuthority other = make_root("Ed25519");
    const std::string pem = root.certificate.PEM_encode();
    const std::vector<std::uint8_t> der = root.certificate.BER_encode();

    CHECK(x509::read_certificate(bytes_of(pem)) == root.certificate);
    CHECK(x509::read_certificate(der) == root.certificate);
    CHECK(x509::read_certificate(bytes_of("Subject: x\n0 1 2\n" + pem + "trailing text\n")) ==
          root.certificate);

    const std::string bundle = pem + "\n# another\n" + other.certificate.PEM_encode();
    CHECK(x509::read_certificates(bytes_of(bundle)) ==
          std::vector<Botan::X509_Certificate>{root.certificate, other.certificate});
    CHECK(x509::read_certificates(der) == std::vector<Botan::X509_Certificate>{root.certificate});
    CHECK(message_of([&] { return x509::read_certificate(bytes_of(bundle)); }) ==
          "this is not one certificate: there are 2 of them");
}

TEST_CASE("damaged, foreign and truncated certificates are refused") {
    const TestAuthority root = make_root("Ed25519");
    const std::string pem = root.certificate.PEM_encode();
    const std::string der = as_text(root.certificate.BER_encode());
    const auto read = [](std::string_view text) {
        return message_of([&] { return x509::read_certificate(bytes_of(text)); });
    };
    CHECK(read("") == "this is not one certificate: it is empty");
    CHECK(read("hello") == "this is not one certificate: it is neither PEM nor DER");
    CHECK(read(pem.substr(0, pem.size() / 2)) ==
          "this is not one certificate: its PEM encoding is damaged or truncated");
    CHECK(read(der + "x") ==
          "this is not one certificate: its encoding is damaged, truncated, or followed by something else");
    CHECK(read(private_key_pem(*root.key)) ==
          R"(this is not one certificate: its PEM label is "PRIVATE KEY")");
    for(std::size_t length = 0; length < der.size(); ++length) {
        INFO(length);
        CHECK(error_of([&] { return x509::read_certificate(bytes_of(der.substr(0, length))); }) ==
              Errc::malformed_data);
    }
}

TEST_CASE("revocation lists are read in PEM and DER") {
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const auto crl =
        x509::issue_crl(issuer, {.number = 7, .this_update = today(), .next_update = day(2031, 5, 8)}, rng());
    const std::vector<std::uint8_t> der = crl.BER_encode();
    CHECK(x509::read_crl(bytes_of(crl.PEM_encode())).BER_encode() == der);
    CHECK(x509::read_crl(der).BER_encode() == der);
    CHECK(error_of([&] { return x509::read_crl(std::span(der).first(der.size() - 1)); }) ==
          Errc::malformed_data);
    CHECK(error_of([&] { return x509::read_crl(bytes_of(root.certificate.PEM_encode())); }) ==
          Errc::malformed_data);
}
