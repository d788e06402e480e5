// SPDX-License-Identifier: BSD-2-Clause
// The checks without a private key refuse what issuing refuses, in the same words.
#include "remote_key.hpp"
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/crl.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <functional>

using namespace keyway;
using namespace keyway::test;
using x509::CertificateFields;
using x509::CertificateKind;

namespace {

struct Refusal {
    std::optional<Errc> code;
    std::string message;
    std::string hint;

    bool operator==(const Refusal&) const = default;
};

template <typename Call>
Refusal refusal_of(const Call& call) {
    const auto value = [&] {
        call();
        return 0;
    };
    return {error_of(value), message_of(value), hint_of(value)};
}

CertificateFields ca_fields() {
    return {.subject = x509::DistinguishedName::parse("CN=CA"),
            .serial = x509::SerialNumber::random(rng()),
            .validity = valid_for_years(5)};
}

struct Change {
    std::string name;
    std::function<void(CertificateFields&)> apply;
};

const std::vector<Change> changes{
    {"nothing", [](CertificateFields&) {}},
    {"no subject and no names",
     [](CertificateFields& fields) {
         fields.subject = {};
         fields.alternative_names.clear();
     }},
    {"the validity ends before it starts",
     [](CertificateFields& fields) { std::swap(fields.validity.not_before, fields.validity.not_after); }},
    {"the validity ends after the issuer's",
     [](CertificateFields& fields) { fields.validity.not_after = day(2100, 1, 1); }},
    {"the year 10000", [](CertificateFields& fields) { fields.validity.not_after = day(10000, 1, 1); }},
    {"the year 9999", [](CertificateFields& fields) { fields.validity.not_after = day(9999, 1, 1); }},
    {"a path length", [](CertificateFields& fields) { fields.path_length = 7; }},
    {"a URL that is none", [](CertificateFields& fields) { fields.urls.ocsp = {"no url"}; }},
    {"constraints of nothing", [](CertificateFields& fields) { fields.name_constraints = x509::NameConstraints{}; }},
};

}  // namespace

TEST_CASE("check_root refuses what issue_root refuses") {
    const auto change = GENERATE(from_range(changes));
    const SignatureWish wish = GENERATE(SignatureWish{}, SignatureWish{"sha384", {}}, SignatureWish{"sha1", {}});
    const std::string type = GENERATE(as<std::string>{}, "Ed25519", "secp256r1", "secp192r1");
    const auto key = make_key(type);
    auto fields = ca_fields();
    change.apply(fields);
    INFO(change.name << " " << type);
    const auto issued = refusal_of([&] { static_cast<void>(x509::issue_root(*key, fields, rng(), wish)); });
    CHECK(refusal_of([&] { x509::check_root(*key->public_key(), fields, wish); }) == issued);
    if(change.name == "nothing" && wish == SignatureWish{}) {
        CHECK(issued.code.has_value() == (type == "secp192r1"));
    }
}

TEST_CASE("check_certificate refuses what issue_certificate refuses") {
    const TestAuthority root = make_root("secp256r1", {}, 0);
    const auto change = GENERATE(from_range(changes));
    const auto kind = GENERATE(CertificateKind::root, CertificateKind::intermediate, CertificateKind::server,
                               CertificateKind::client, CertificateKind::ocsp_responder);
    const std::string type = GENERATE(as<std::string>{}, "Ed25519", "secp192r1");
    const SignatureWish wish = GENERATE(SignatureWish{}, SignatureWish{{}, RsaPadding::pss});
    const auto key = make_key(type);
    auto fields = kind == CertificateKind::server ? server_fields() : ca_fields();
    change.apply(fields);
    INFO(change.name << " " << x509::profile_of(kind).name << " " << type);
    const auto issued = refusal_of([&] {
        x509::Issuer issuer = root.issuer(wish);
        static_cast<void>(x509::issue_certificate(issuer, kind, *key, fields, rng()));
    });
    CHECK(refusal_of([&] { x509::check_certificate(root.certificate, kind, *key->public_key(), fields, wish); }) ==
          issued);
}

TEST_CASE("check_crl refuses what issue_crl refuses") {
    const TestAuthority root = make_root("Ed25519");
    x509::Issuer issuer = root.issuer();
    const x509::RevokedCertificate one{x509::SerialNumber::from_hex("01"), day(2031, 1, 1)};
    x509::CrlFields fields{.number = 1, .this_update = today(), .next_update = day(2031, 5, 8)};
    SECTION("nothing") {}
    SECTION("twice") { fields.revoked = {one, one}; }
    SECTION("order") { fields.next_update = fields.this_update; }
    SECTION("expired") {
        fields.this_update = day(2050, 1, 1);
        fields.next_update = day(2051, 1, 1);
    }
    SECTION("url") { fields.urls = {"no url"}; }
    const auto issued = refusal_of([&] { static_cast<void>(x509::issue_crl(issuer, fields, rng())); });
    CHECK(refusal_of([&] { x509::check_crl(root.certificate, fields); }) == issued);

    const auto leaf =
        x509::issue_certificate(issuer, CertificateKind::server, *root.key, server_fields(), rng());
    CHECK(error_of([&] {
              x509::check_crl(leaf, fields);
              return 0;
          }) == Errc::invalid_argument);
    CHECK(error_of([&] {
              x509::check_crl(root.certificate, fields, {"sha256", {}});
              return 0;
          }) == Errc::unsupported);
}

TEST_CASE("refusals say what to do") {
    const TestAuthority root = make_root("Ed25519", {}, 0);
    x509::Issuer issuer = root.issuer();
    const auto hint = [&](CertificateKind kind, const CertificateFields& fields) {
        return hint_of([&] { return x509::issue_certificate(issuer, kind, *root.key, fields, rng()); });
    };
    CHECK_FALSE(hint(CertificateKind::server, ca_fields()).empty());
    CHECK_FALSE(hint(CertificateKind::intermediate, ca_fields()).empty());
    CHECK_FALSE(hint(CertificateKind::root, ca_fields()).empty());
    x509::Issuer leaf(x509::issue_certificate(issuer, CertificateKind::server, *root.key, server_fields(), rng()),
                      *root.key, rng());
    CHECK_FALSE(hint_of([&] {
                    return x509::issue_certificate(leaf, CertificateKind::server, *root.key, server_fields(), rng());
                }).empty());
    const x509::RevokedCertificate one{x509::SerialNumber::from_hex("01"), day(2031, 1, 1)};
    CHECK_FALSE(hint_of([&] {
                    return x509::issue_crl(issuer,
                                           {.number = 1,
                                            .this_update = today(),
                                            .next_update = day(2031, 5, 8),
                                            .revoked = {one, one}},
                                           rng());
                }).empty());
}
