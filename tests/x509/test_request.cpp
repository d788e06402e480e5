// SPDX-License-Identifier: BSD-2-Clause
// Requests made by openssl at test time.
#include "support.hpp"

#include <keyway/x509/certificate.hpp>
#include <keyway/x509/pem.hpp>
#include <keyway/x509/request.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;
using x509::GeneralName;

namespace {

enum class Encoding { pem, der };

/// A request in the folder, as "request", and its key, as "key.pem".
std::string make_request(const Folder& folder, std::vector<std::string> key_options,
                         const std::string& extensions = {}, Encoding encoding = Encoding::pem) {
    folder.write("req.cnf", "[req]\ndistinguished_name = dn\nstring_mask = utf8only\n" +
                                std::string(extensions.empty() ? "" : "req_extensions = ext\n") +
                                "[dn]\n[ext]\n" + extensions);
    std::vector<std::string> arguments{"req",      "-new",
                                       "-config",  "req.cnf",
                                       "-nodes",   "-keyout",
                                       "key.pem",  "-utf8",
                                       "-subj",    "/C=NO/CN=www.example.invalid",
                                       "-out",     "request",
                                       "-outform", encoding == Encoding::der ? "DER" : "PEM"};
    arguments.insert(arguments.end(), key_options.begin(), key_options.end());
    openssl(folder, arguments);
    return folder.read("request");
}

std::vector<std::uint8_t> public_key_by_openssl(const Folder& folder) {
    openssl(folder, {"pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "public.der"});
    const std::string der = folder.read("public.der");
    return {der.begin(), der.end()};
}

const std::vector<std::string> ed25519{"-newkey", "ed25519"};

std::optional<Errc> error_reading(std::string_view request) {
    return error_of([&] { return x509::read_request(bytes_of(request)); });
}

}  // namespace

TEST_CASE("requests of every type of key are read, in PEM and DER") {
    struct Case {
        std::vector<std::string> options;
        std::string algorithm;
    };
    const Case c = GENERATE(values<Case>({
        {{"-newkey", "rsa:2048"}, "RSA"},
        {{"-newkey", "rsa:3072", "-sha512"}, "RSA"},
        {{"-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"}, "RSA"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, "ECDSA"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"}, "ECDSA"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"}, "ECDSA"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"}, "ECDSA"},
        {{"-newkey", "ed25519"}, "Ed25519"},
        {{"-newkey", "ed448"}, "Ed448"},
    }));
    const auto encoding = GENERATE(Encoding::pem, Encoding::der);
    const Folder folder;
    const auto request = x509::read_request(bytes_of(make_request(folder, c.options, "", encoding)));
    CHECK(request.subject == x509::DistinguishedName::parse("CN=www.example.invalid,C=NO"));
    CHECK(request.public_key->algo_name() == c.algorithm);
    CHECK(request.public_key->subject_public_key() == public_key_by_openssl(folder));
    CHECK(request.alternative_names.empty());
}

TEST_CASE("alternative names are taken in their order, and nothing else is") {
    const Folder folder;
    const auto request = x509::read_request(bytes_of(make_request(
        folder, ed25519,
        "subjectAltName = DNS:b.invalid, IP:192.0.2.1, DNS:a.invalid, email:x@y.invalid, URI:urn:x:1, "
        "IP:2001:db8::1\n"
        "basicConstraints = critical, CA:TRUE\nkeyUsage = keyCertSign\nextendedKeyUsage = codeSigning\n"
        "1.2.3.4 = ASN1:NULL\n")));
    CHECK(request.alternative_names ==
          x509::GeneralNames{GeneralName::dns("b.invalid"), GeneralName::ip("192.0.2.1"),
                             GeneralName::dns("a.invalid"), GeneralName::email("x@y.invalid"),
                             GeneralName::uri("urn:x:1"), GeneralName::ip("2001:db8::1")});

    const TestAuthority root = make_root();
    x509::Issuer issuer = root.issuer();
    auto fields = server_fields();
    fields.subject = request.subject;
    fields.alternative_names = request.alternative_names;
    const auto certificate =
        x509::issue_certificate(issuer, x509::CertificateKind::server, *request.public_key, fields, rng());
    CHECK_FALSE(certificate.is_CA_cert());
    CHECK(certificate.constraints() == Botan::Key_Constraints::DigitalSignature);
    CHECK(certificate.extended_key_usage() == std::vector<Botan::OID>{{1, 3, 6, 1, 5, 5, 7, 3, 1}});
}

TEST_CASE("alternative names of other kinds are refused, not dropped") {
    const std::string name = GENERATE("otherName:1.2.3.4;UTF8:x", "RID:1.2.3.4", "dirName:dir");
    const Folder folder;
    CHECK(error_reading(make_request(folder, ed25519,
                                     "subjectAltName = DNS:a.invalid, " + name + "\n[dir]\nCN = x\n")) ==
          Errc::unsupported);
}

TEST_CASE("a request that was changed is refused") {
    const Folder folder;
    const std::string der = make_request(folder, ed25519, "", Encoding::der);
    const std::size_t subject = der.find("www.example");
    REQUIRE(subject != std::string::npos);

    std::string other_subject = der;
    other_subject[subject] = 'x';
    CHECK(error_reading(other_subject) == Errc::verification_failed);
    CHECK(message_of([&] { return x509::read_request(bytes_of(other_subject)); }) ==
          "the signature of the certificate request is not by the key in it");

    std::string other_signature = der;
    other_signature.back() = static_cast<char>(other_signature.back() ^ 1);
    CHECK(error_reading(other_signature) == Errc::verification_failed);
}

TEST_CASE("a request for another's key is refused") {
    // the public key of one request put into another: nobody can prove to hold it
    const Folder folder;
    std::string mine = make_request(folder, ed25519, "", Encoding::der);
    const std::string theirs = make_request(folder, ed25519, "", Encoding::der);
    REQUIRE(mine.size() == theirs.size());
    const std::string key_mark("\x2b\x65\x70\x03\x21\x00", 6);
    const std::size_t key = mine.find(key_mark);
    REQUIRE(key != std::string::npos);
    REQUIRE(theirs.find(key_mark) == key);
    mine.replace(key + key_mark.size(), 32, theirs, key + key_mark.size(), 32);
    CHECK(error_reading(mine) == Errc::verification_failed);
}

TEST_CASE("a truncated request is refused, wherever it ends") {
    const Folder folder;
    const std::string der = make_request(folder, ed25519, "subjectAltName = DNS:a.invalid\n", Encoding::der);
    for(std::size_t length = 0; length < der.size(); ++length) {
        INFO(length);
        CHECK(error_reading(der.substr(0, length)) == Errc::malformed_data);
    }
    const std::string pem = make_request(folder, ed25519);
    for(std::size_t length = 0; length + 1 < pem.size(); length += 7) {
        INFO(length);
        CHECK(error_reading(pem.substr(0, length)) == Errc::malformed_data);
    }
}

TEST_CASE("a request with a changed octet anywhere never passes") {
    const Folder folder;
    const std::string der = make_request(folder, ed25519, "subjectAltName = DNS:a.invalid\n", Encoding::der);
    REQUIRE(error_reading(der) == std::nullopt);
    for(std::size_t at = 0; at < der.size(); ++at) {
        for(const int bit : {1, 0x20, 0x80}) {
            std::string changed = der;
            changed[at] = static_cast<char>(changed[at] ^ bit);
            INFO(at << " " << bit);
            CHECK(error_reading(changed) != std::nullopt);
        }
    }
}

TEST_CASE("what is not a request is refused") {
    const Folder folder;
    const std::string der = make_request(folder, ed25519, "", Encoding::der);
    const std::string pem = make_request(folder, ed25519);
    const TestAuthority root = make_root();
    const auto certificate_der = root.certificate.BER_encode();
    CHECK(error_reading("") == Errc::malformed_data);
    CHECK(error_reading("hello") == Errc::malformed_data);
    CHECK(error_reading(der + '\0') == Errc::malformed_data);
    CHECK(error_reading(pem + pem) == Errc::malformed_data);
    CHECK(error_reading({reinterpret_cast<const char*>(certificate_der.data()), certificate_der.size()}) ==
          Errc::malformed_data);
    CHECK(message_of([&] { return x509::read_request(bytes_of(root.certificate.PEM_encode())); }) ==
          R"(this is not a certificate request: its PEM label is "CERTIFICATE")");
    CHECK(message_of([&] { return x509::read_request(bytes_of(folder.read("key.pem"))); }) ==
          R"(this is not a certificate request: its PEM label is "PRIVATE KEY")");
}

TEST_CASE("text before the request is passed over") {
    const Folder folder;
    make_request(folder, ed25519);
    const std::string with_text = openssl(folder, {"req", "-in", "request", "-text"});
    CHECK(error_reading(with_text) == std::nullopt);
}

TEST_CASE("a request signed with a weak hash is refused") {
    const Folder folder;
    CHECK(message_of([&] {
              return x509::read_request(bytes_of(make_request(folder, {"-newkey", "rsa:2048", "-sha1"})));
          }) == R"(the certificate request is signed with the weak hash "SHA-1")");
}
