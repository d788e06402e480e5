// SPDX-License-Identifier: BSD-2-Clause
// What others ask to be certified: their names and their keys.
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/request.hpp>

#include <botan/bigint.h>
#include <botan/der_enc.h>
#include <botan/numthry.h>
#include <botan/rsa.h>
#include <botan/x509_ext.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>

using namespace keyway;
using namespace keyway::test;
using x509::CertificateKind;
using x509::DistinguishedName;
using x509::GeneralName;

namespace {

const Botan::OID common_name({2, 5, 4, 3});

/// A name of one attribute with this value, however unfit.
DistinguishedName name_of(const Botan::OID& type, std::string_view value) {
    std::vector<std::uint8_t> der;
    Botan::DER_Encoder(der)
        .start_sequence()
        .start_set()
        .start_sequence()
        .encode(type)
        .add_object(Botan::ASN1_Type::Utf8String, Botan::ASN1_Class::Universal, value)
        .end_cons()
        .end_cons()
        .end_cons();
    return DistinguishedName::from_der(der);
}

/// Issues for a key and fields, and tells the message of the refusal.
class Authority {
public:
    std::string issue(const x509::CertificateFields& fields) { return issue(fields, *root_.key); }

    std::string issue(const x509::CertificateFields& fields, const Botan::Public_Key& key) {
        return message_of([&] { return certificate(fields, key); });
    }

    Botan::X509_Certificate certificate(const x509::CertificateFields& fields, const Botan::Public_Key& key) {
        return x509::issue_certificate(issuer_, CertificateKind::server, key, fields, rng());
    }

    Botan::X509_Certificate certificate(const x509::CertificateFields& fields) {
        return certificate(fields, *root_.key);
    }

private:
    TestAuthority root_ = make_root("Ed25519");
    x509::Issuer issuer_ = root_.issuer();
};

}  // namespace

TEST_CASE("an encoded subject keeps the rules of one from text") {
    Authority authority;
    auto fields = server_fields();
    const auto issue = [&](const Botan::OID& type, std::string_view value) {
        fields.subject = name_of(type, value);
        return authority.issue(fields);
    };
    CHECK(issue(common_name, "å fine name").empty());
    CHECK(issue(common_name, std::string(64, 'x')).empty());
    CHECK(issue(common_name, std::string(65, 'x')).ends_with(R"( of "CN" is longer than 64 characters)"));
    CHECK(issue(common_name, std::string(5000, 'x')).ends_with(R"( of "CN" is longer than 64 characters)"));
    const std::string_view unfit =
        GENERATE(as<std::string_view>{}, std::string_view("a.invalid\0.b", 12), "a\nb", "a\x1b[0m", "a\x7f",
                 "a\xC2\x80", "a\xC2\x9F"
                 "b");
    CHECK(issue(common_name, unfit).ends_with(R"( of "CN" holds a control character)"));
    CHECK(issue(Botan::OID({1, 2, 3, 4}), unfit).ends_with(R"( of "1.2.3.4" holds a control character)"));
    CHECK(issue(common_name, "").ends_with(R"( of "CN" is empty)"));
    CHECK(issue(Botan::OID({2, 5, 4, 6}), "Norway") ==
          R"(value "Norway" of "C" is not a country code of two capital letters)");
}

TEST_CASE("a request with an unfit subject gets no certificate") {
    const Folder folder;
    folder.write("req.cnf", "[req]\ndistinguished_name = dn\n[dn]\n");
    openssl(folder, {"req", "-new", "-config", "req.cnf", "-newkey", "ed25519", "-nodes", "-keyout", "key.pem",
                     "-utf8", "-subj", "/CN=a\nb", "-out", "request"});
    const auto request = x509::read_request(bytes_of(folder.read("request")));
    auto fields = server_fields();
    fields.subject = request.subject;
    CHECK(Authority().issue(fields, *request.public_key).ends_with(R"( of "CN" holds a control character)"));
}

TEST_CASE("an alternative name that comes again is left out") {
    auto fields = server_fields();
    const auto a = GeneralName::dns("a.invalid");
    const auto b = GeneralName::dns("b.invalid");
    fields.alternative_names = {b, a, b, GeneralName::uri("urn:x:a.invalid"), a, b};
    const x509::GeneralNames once{b, a, GeneralName::uri("urn:x:a.invalid")};
    CHECK(x509::without_duplicates(fields.alternative_names) == once);
    const auto certificate = Authority().certificate(fields);
    CHECK(x509::decode_general_names(certificate.v3_extensions().get_extension_bits({2, 5, 29, 17})) == once);
}

TEST_CASE("a certificate has at most 1,000 alternative names") {
    Authority authority;
    auto fields = server_fields();
    fields.alternative_names.clear();
    for(int i = 0; i < 1000; ++i) {
        fields.alternative_names.push_back(GeneralName::dns("h" + std::to_string(i) + ".example.invalid"));
    }
    fields.alternative_names.push_back(fields.alternative_names.front());
    CHECK(authority.issue(fields).empty());
    fields.alternative_names.push_back(GeneralName::dns("one-more.example.invalid"));
    CHECK(authority.issue(fields) == "there are 1001 alternative names for one certificate");
}

TEST_CASE("RSA keys with unfit numbers get no certificate") {
    Authority authority;
    const auto fields = server_fields();
    const Botan::RSA_PrivateKey good(rng(), 2048);
    const auto with_exponent = [&](std::uint64_t exponent) {
        return authority.issue(fields, Botan::RSA_PublicKey(good.get_n(), Botan::BigInt::from_u64(exponent)));
    };
    CHECK(with_exponent(65537).empty());
    CHECK(with_exponent(65539).empty());
    CHECK(with_exponent(3) == "an RSA key with the public exponent 3 is too weak for certificates");
    CHECK(with_exponent(65535) == "an RSA key with the public exponent 65535 is too weak for certificates");

    const Botan::BigInt prime = Botan::random_prime(rng(), 2048);
    CHECK(authority.issue(fields, Botan::RSA_PublicKey(prime, Botan::BigInt::from_u64(65537))) ==
          "an RSA key has a modulus that is not the product of two odd primes");

    const Botan::RSA_PrivateKey three(rng(), 2048, 3);
    CHECK(error_of([&] {
              return x509::issue_root(three,
                                      {.subject = DistinguishedName::parse("CN=x"),
                                       .serial = x509::SerialNumber::random(rng()),
                                       .validity = valid_for_years(1)},
                                      rng());
          }) == Errc::unsupported);
}

TEST_CASE("a request with the exponent 3 gets no certificate") {
    const Folder folder;
    openssl(folder, {"req", "-new", "-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3", "-nodes", "-keyout",
                     "key.pem", "-subj", "/CN=x", "-out", "request"});
    const auto request = x509::read_request(bytes_of(folder.read("request")));
    CHECK(Authority().issue(server_fields(), *request.public_key) ==
          "an RSA key with the public exponent 3 is too weak for certificates");
}
