// SPDX-License-Identifier: BSD-2-Clause
// Times far away; openssl reads them back.
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/crl.hpp>
#include <keyway/x509/pem.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;
using x509::CertificateKind;
using x509::SerialNumber;

namespace {

const Time end_of_day_9999 = day(9999, 12, 31, std::chrono::seconds(86399));
const Time last_of_3100 = day(3100, 12, 31, std::chrono::seconds(86399));

TestAuthority root_until(Time end) {
    TestAuthority root{make_key("Ed25519"), {}};
    root.certificate = x509::issue_root(*root.key,
                                        {.subject = x509::DistinguishedName::parse("CN=Old Root"),
                                         .serial = SerialNumber::random(rng()),
                                         .validity = {day(1950, 1, 1), end}},
                                        rng());
    return root;
}

std::string dates_by_openssl(const Botan::X509_Certificate& certificate) {
    const Folder folder;
    folder.write("c.pem", certificate.PEM_encode());
    return openssl(folder, {"x509", "-in", "c.pem", "-noout", "-dates"});
}

/// Whether the Botan in use reads the year 9999; the releases up to 3.12 end at 3100.
bool botan_reads_9999() {
    try {
        static_cast<void>(Botan::ASN1_Time("99991231235959Z", Botan::ASN1_Type::GeneralizedTime));
        return true;
    } catch(const Botan::Exception&) {
        return false;
    }
}

}  // namespace

TEST_CASE("times are written as people and JSON read them") {
    CHECK(to_iso_8601(Time{}) == "1970-01-01T00:00:00Z");
    CHECK(to_iso_8601(day(2000, 2, 29, std::chrono::seconds(3661))) == "2000-02-29T01:01:01Z");
    CHECK(to_iso_8601(day(1950, 1, 1) - std::chrono::seconds(1)) == "1949-12-31T23:59:59Z");
    CHECK(to_iso_8601(end_of_day_9999) == "9999-12-31T23:59:59Z");
}

TEST_CASE("certificates after the year 2262 say what was asked, from the root to the leaf") {
    struct Case {
        Time end;
        std::string written;
    };
    const Case c = GENERATE(values<Case>({
        {day(2049, 12, 31, std::chrono::seconds(86399)), "Dec 31 23:59:59 2049 GMT"},
        {day(2050, 1, 1), "Jan  1 00:00:00 2050 GMT"},
        {day(2262, 4, 12), "Apr 12 00:00:00 2262 GMT"},
        {day(2620, 1, 1), "Jan  1 00:00:00 2620 GMT"},
        {last_of_3100, "Dec 31 23:59:59 3100 GMT"},
    }));
    const std::string expected = "notBefore=Jan  1 00:00:00 1950 GMT\nnotAfter=" + c.written + "\n";
    const TestAuthority root = root_until(c.end);
    CHECK(dates_by_openssl(root.certificate) == expected);

    x509::Issuer issuer = root.issuer();
    auto fields = server_fields();
    fields.validity = x509::validity_of(root.certificate);
    CHECK(fields.validity == x509::Validity{day(1950, 1, 1), c.end});
    const auto leaf = x509::issue_certificate(issuer, CertificateKind::server, *root.key, fields, rng());
    CHECK(dates_by_openssl(leaf) == expected);
    fields.alternative_names.clear();
    const auto ca = x509::issue_certificate(issuer, CertificateKind::intermediate, *root.key, fields, rng());
    CHECK(dates_by_openssl(ca) == expected);

    fields.validity.not_after = c.end + std::chrono::seconds(1);
    CHECK(error_of([&] {
              return x509::issue_certificate(issuer, CertificateKind::intermediate, *root.key, fields, rng());
          }) != std::nullopt);
}

TEST_CASE("the end that stands for no end is written, or its refusal says what Botan reads") {
    if(botan_reads_9999()) {
        CHECK(dates_by_openssl(root_until(end_of_day_9999).certificate) ==
              "notBefore=Jan  1 00:00:00 1950 GMT\nnotAfter=Dec 31 23:59:59 9999 GMT\n");
        return;
    }
    CHECK(error_of([] { return root_until(end_of_day_9999); }) == Errc::unsupported);
    CHECK(message_of([] { return root_until(end_of_day_9999); }) ==
          R"(the end of the validity "9999-12-31T23:59:59Z" is later than Botan can read)");
    CHECK(hint_of([] { return root_until(end_of_day_9999); }) ==
          "use 3100-12-31T23:59:59Z at the latest, or build with a Botan that knows later years");
    CHECK(error_of([] { return root_until(last_of_3100 + std::chrono::seconds(1)); }) == Errc::unsupported);
}

TEST_CASE("years that certificates do not know are refused") {
    const auto end = GENERATE(day(1949, 12, 31, std::chrono::seconds(86399)), day(10000, 1, 1), day(-5, 1, 1), Time::max(),
                              Time::min());
    CHECK(error_of([&] { return root_until(end); }) == Errc::invalid_argument);
    CHECK(message_of([&] { return root_until(end); }).ends_with("lies outside the years 1950 to 9999"));
}

TEST_CASE("a foreign certificate that Botan cannot read for its end is not called damaged") {
    const Folder folder;
    folder.write("ca.key", private_key_pem(*make_key("Ed25519")));
    openssl(folder, {"req", "-x509", "-key", "ca.key", "-subj", "/CN=x", "-days", "2900000", "-out", "ca.pem"});
    const auto read = [&] { return x509::read_certificate(bytes_of(folder.read("ca.pem"))); };
    if(botan_reads_9999()) {
        CHECK(x509::validity_of(read()).not_after > day(9000, 1, 1));
        return;
    }
    CHECK(error_of(read) == Errc::unsupported);
    CHECK(message_of(read).starts_with("a certificate that is valid until \"9"));
}

TEST_CASE("a foreign certificate's times are read beyond the year 2262") {
    const Folder folder;
    folder.write("ca.key", private_key_pem(*make_key("Ed25519")));
    openssl(folder, {"req", "-x509", "-key", "ca.key", "-subj", "/CN=x", "-days", "200000", "-out", "ca.pem"});
    const auto validity = x509::validity_of(x509::read_certificate(bytes_of(folder.read("ca.pem"))));
    CHECK(validity.not_after - validity.not_before == std::chrono::days(200000));
}

TEST_CASE("lists after the year 2262 say what was asked") {
    const TestAuthority root = root_until(last_of_3100);
    x509::Issuer issuer = root.issuer();
    const auto crl = x509::issue_crl(issuer,
                                     {.number = 1,
                                      .this_update = day(2620, 1, 1),
                                      .next_update = last_of_3100,
                                      .revoked = {{SerialNumber::from_hex("01"), day(2610, 1, 1)}}},
                                     rng());
    const Folder folder;
    folder.write("crl.pem", crl.PEM_encode());
    const std::string text = openssl(folder, {"crl", "-in", "crl.pem", "-noout", "-text"});
    CHECK(text.find("Last Update: Jan  1 00:00:00 2620 GMT") != std::string::npos);
    CHECK(text.find("Next Update: Dec 31 23:59:59 3100 GMT") != std::string::npos);
    CHECK(text.find("Revocation Date: Jan  1 00:00:00 2610 GMT") != std::string::npos);

    CHECK(message_of([&] {
              return x509::issue_crl(issuer,
                                     {.number = 1,
                                      .this_update = day(2031, 1, 1),
                                      .next_update = day(2031, 1, 8),
                                      .revoked = {{SerialNumber::from_hex("01"), day(2610, 1, 1)}}},
                                     rng());
          }) == R"(serial number "01" is revoked at 2610-01-01T00:00:00Z, after the time of the list)");
}
