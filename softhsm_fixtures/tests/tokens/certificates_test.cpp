// SPDX-License-Identifier: BSD-2-Clause
#include "filled.hpp"
#include "objects.hpp"

#include <softhsm_fixtures/content.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

using namespace softhsm_fixtures;
using support::Filled;
using support::LoggedIn;

namespace {

/// A folder in which the certificates of a token lie as LABEL.pem, for openssl to judge.
class Exported {
public:
    Exported(const LoggedIn& token, const std::vector<std::string>& labels) {
        for (const auto& label : labels) {
            const auto der = token.attribute(token.find(CKO_CERTIFICATE, label), CKA_VALUE);
            std::ofstream(folder_.path() / "der", std::ios::binary)
                .write(reinterpret_cast<const char*>(der.data()), static_cast<std::streamsize>(der.size()));
            const auto converted = openssl("x509 -inform DER -in der -out '" + label + ".pem'");
            CHECK(converted.status == 0);
        }
    }
    [[nodiscard]] support::Finished run(const std::string& command) const {
        return support::run("cd '" + folder_.path().string() + "' && " + command);
    }
    [[nodiscard]] support::Finished openssl(const std::string& arguments) const {
        return run("openssl " + arguments);
    }
    [[nodiscard]] std::string verified(const std::string& arguments) const {
        return openssl("verify " + arguments).output;
    }
    /// Some fields of a certificate, as openssl prints them.
    [[nodiscard]] std::string shown(const std::string& label, const std::string& fields) const {
        return openssl("x509 -in '" + label + ".pem' -noout " + fields).output;
    }

private:
    TemporaryFolder folder_{"exported"};
};

/// The lines of a text that begin with one of the words, sorted.
[[nodiscard]] std::vector<std::string> lines(const std::string& text, const std::string& pattern) {
    std::vector<std::string> found;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        if (std::regex_search(line, std::regex(pattern))) {
            found.push_back(std::regex_replace(line, std::regex("^\\s+"), ""));
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

void skip_without_tools() {
    if (support::run("command -v pkcs11-tool && command -v p11tool").status != 0) {
        SKIP("pkcs11-tool (opensc) or p11tool (gnutls-bin) is not installed");
    }
}

[[nodiscard]] std::string chain(const std::string& origin) {
    const auto pair = [&](const char* rest) { return R"(, "origin": ")" + origin + R"(", )" + rest; };
    return R"([{"type": "rsa", "label": "root")" + pair(R"("certificate":
                   {"subject": "CN=Root,O=Ex\\, ample,C=DE", "ca": true, "days": 20, "serial": "0a0b"}},)") +
           R"({"type": "ec", "curve": "P-384", "label": "sub")" +
           pair(R"("certificate": {"ca": true, "issuer": "root", "days": 10}},)") +
           R"({"type": "ed25519", "label": "ed")" +
           pair(
               R"("attributes": {"always-authenticate": true}, "certificate": {"ca": true, "issuer": "sub"}},)") +
           R"({"type": "ec", "curve": "P-521", "label": "leaf")" +
           pair(
               R"("certificate": {"subject": "CN=Gr\u00fcn", "issuer": "ed", "dns": ["a,IP:1.2.3.4", "localhost"],
                                   "ip": ["127.0.0.1", "::1"]}},)") +
           R"({"type": "x25519", "label": "x")" + pair(R"("certificate": {"issuer": "ed"}},)") +
           R"({"type": "ed448", "label": "alone")" + pair(R"("certificate": {"starts": -30, "days": 10}},)") +
           R"({"type": "dsa", "bits": 1024, "label": "dsa")" + pair(R"("certificate": {"starts": 2}},)") +
           R"({"type": "certificate", "key": "leaf", "label": "other", "issuer": "root"}])";
}

} // namespace

TEST_CASE("chains of certificates are what openssl verify takes") {
    const std::string origin = GENERATE(as<std::string>(), "imported", "generated");
    CAPTURE(origin);
    const Filled filled(chain(origin));
    const LoggedIn token(filled.token());
    const Exported files(token, {"root", "sub", "ed", "leaf", "x", "alone", "dsa", "other"});
    CHECK(files.verified("-x509_strict -CAfile root.pem root.pem") == "root.pem: OK\n");
    CHECK(files.verified("-x509_strict -CAfile root.pem sub.pem") == "sub.pem: OK\n");
    CHECK(files.verified("-x509_strict -CAfile root.pem -untrusted sub.pem ed.pem") == "ed.pem: OK\n");
    CHECK(
        files.verified("-x509_strict -CAfile root.pem -untrusted sub.pem -untrusted ed.pem leaf.pem x.pem") ==
        "leaf.pem: OK\nx.pem: OK\n");
    CHECK(files.verified("-x509_strict -CAfile root.pem other.pem") == "other.pem: OK\n");
    CHECK(files.verified("-CAfile alone.pem alone.pem").find("certificate has expired") != std::string::npos);
    CHECK(files.verified("-CAfile dsa.pem dsa.pem").find("certificate is not yet valid") !=
          std::string::npos);
    CHECK(files.verified("-CAfile dsa.pem -no_check_time dsa.pem") == "dsa.pem: OK\n");
    // Not every leaf signs for another.
    CHECK(files.verified("-CAfile other.pem -partial_chain leaf.pem").find("error") != std::string::npos);

    CHECK(files.shown("root", "-subject -issuer -serial -nameopt RFC2253") ==
          "subject=C=DE,O=Ex\\, ample,CN=Root\nissuer=C=DE,O=Ex\\, ample,CN=Root\nserial=0A0B\n");
    CHECK(files.shown("root", "-ext basicConstraints,keyUsage") ==
          "X509v3 Basic Constraints: critical\n    CA:TRUE\n"
          "X509v3 Key Usage: critical\n    Digital Signature, Certificate Sign, CRL Sign\n");
    CHECK(files.shown("leaf", "-ext basicConstraints,keyUsage,subjectAltName") ==
          "X509v3 Basic Constraints: critical\n    CA:FALSE\nX509v3 Key Usage: critical\n    Digital "
          "Signature\n"
          "X509v3 Subject Alternative Name: \n"
          "    DNS:a,IP:1.2.3.4, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1\n");
    CHECK(files.shown("leaf", "-subject -nameopt utf8") == "subject=CN=Gr\xc3\xbcn\n");
    CHECK(files.shown("sub", "-subject -issuer -nameopt RFC2253") ==
          "subject=CN=sub\nissuer=C=DE,O=Ex\\, ample,CN=Root\n");
    CHECK(files.shown("x", "-ext keyUsage") == "X509v3 Key Usage: critical\n    Key Agreement\n");
}

TEST_CASE("a certificate has the id of its key, and its own names in its attributes") {
    const Filled filled(R"([{"type": "ec", "curve": "P-256", "label": "k", "id": "01", "store": "nothing",
                             "certificate": {"subject": "CN=Name", "serial": "ff"}},
                            {"type": "ec", "curve": "P-256", "label": "l", "id": "02", "usage": ["sign"],
                             "certificate": {"issuer": "k", "label": "of l", "id": "abcd"}}])");
    const LoggedIn token(filled.token());
    CHECK(token.objects() == std::vector<std::string>{
                                 "certificate \"k\" 01: modifiable", "certificate \"of l\" abcd: modifiable",
                                 "private ec \"l\" 02: private modifiable sensitive sign",
                                 "public ec \"l\" 02: modifiable verify"});
    const auto attribute = [&](const char* label, CK_ATTRIBUTE_TYPE type) {
        return support::hex(token.attribute(token.find(CKO_CERTIFICATE, label), type));
    };
    const std::string name = "300f310d300b06035504030c044e616d65"; // CN=Name, UTF8String
    CHECK(attribute("k", CKA_SUBJECT) == name);
    CHECK(attribute("k", CKA_ISSUER) == name);
    CHECK(attribute("of l", CKA_ISSUER) == name);
    CHECK(attribute("k", CKA_SERIAL_NUMBER) == "020200ff");
    CHECK(attribute("k", CKA_CERTIFICATE_TYPE) == "0000000000000000");
}

TEST_CASE("a certificate authority that is given signs for keys that are made") {
    const TemporaryFolder folder("authority");
    const auto path = [&](const char* name) { return (folder.path() / name).string(); };
    REQUIRE(support::run("cd '" + folder.path().string() +
                         "' && openssl ecparam -genkey -noout -name prime256v1 -out key && "
                         "openssl req -x509 -new -key key -subj '/CN=Given' -out cert")
                .status == 0);
    const Filled filled(R"([{"type": "key", "label": "given", "pem-file": ")" + path("key") +
                        R"(", "certificate": {"pem-file": ")" + path("cert") +
                        R"("}}, {"type": "rsa", "label": "leaf", "certificate": {"issuer": "given"}},
                            {"type": "certificate", "label": "alone", "pem-file": ")" +
                        path("cert") + "\"}]");
    const LoggedIn token(filled.token());
    const Exported files(token, {"given", "leaf", "alone"});
    CHECK(files.verified("-CAfile '" + path("cert") + "' leaf.pem") == "leaf.pem: OK\n");
    CHECK(token.attribute(token.find(CKO_CERTIFICATE, "given"), CKA_VALUE) ==
          token.attribute(token.find(CKO_CERTIFICATE, "alone"), CKA_VALUE));
    CHECK(token.attribute(token.find(CKO_CERTIFICATE, "given"), CKA_ID) ==
          token.attribute(token.find(CKO_CERTIFICATE, "alone"), CKA_ID));
}

TEST_CASE("pkcs11-tool and p11tool list what the list says") {
    const Filled filled(R"([{"type": "rsa", "label": "root", "id": "01", "certificate": {"ca": true}},
                            {"type": "ec", "curve": "P-256", "label": "leaf", "id": "02",
                             "certificate": {"issuer": "root"}},
                            {"type": "aes", "label": "secret", "id": "03"},
                            {"type": "data", "label": "note", "text": "x"}])");
    const auto& token = filled.token();
    const std::string module = "'" + token.module_path().string() + "'";
    skip_without_tools();
    const auto listed =
        support::run("PIN=$(cat '" + token.user_pin_file().string() + "') pkcs11-tool --module " + module +
                     " --login --pin env:PIN --list-objects");
    INFO(listed.output);
    CHECK(lines(listed.output, "Object; |^  (label: +[^ ']|ID: |subject: |Usage: )") ==
          std::vector<std::string>{"Certificate Object; type = X.509 cert",
                                   "Certificate Object; type = X.509 cert",
                                   "ID:         01",
                                   "ID:         01",
                                   "ID:         01",
                                   "ID:         02",
                                   "ID:         02",
                                   "ID:         02",
                                   "ID:         03",
                                   "Private Key Object; EC",
                                   "Private Key Object; RSA ",
                                   "Public Key Object; EC  EC_POINT 256 bits",
                                   "Public Key Object; RSA 2048 bits",
                                   "Secret Key Object; AES length 32",
                                   "Usage:      decrypt, sign, unwrap",
                                   "Usage:      encrypt, decrypt, wrap, unwrap",
                                   "Usage:      encrypt, verify, wrap",
                                   "Usage:      sign, derive",
                                   "Usage:      verify",
                                   "label:      leaf",
                                   "label:      leaf",
                                   "label:      leaf",
                                   "label:      root",
                                   "label:      root",
                                   "label:      root",
                                   "label:      secret",
                                   "subject:    DN: CN=leaf",
                                   "subject:    DN: CN=root"});

    const auto gnutls =
        support::run("GNUTLS_PIN=$(cat '" + token.user_pin_file().string() + "') p11tool --provider " +
                     module + " --login --list-all '" + token.uri() + "'");
    INFO(gnutls.output);
    CHECK(lines(gnutls.output, "Type: |Label: |CATEGORY") ==
          std::vector<std::string>{
              "Flags: CKA_CERTIFICATE_CATEGORY=CA; ", "Label: leaf", "Label: leaf", "Label: leaf",
              "Label: note", "Label: root", "Label: root", "Label: root", "Label: secret", "Type: Data",
              "Type: Private key (EC/ECDSA-SECP256R1)", "Type: Private key (RSA-2048)",
              "Type: Public key (EC/ECDSA-SECP256R1)", "Type: Public key (RSA-2048)", "Type: Secret key",
              "Type: X.509 Certificate (EC/ECDSA-SECP256R1)", "Type: X.509 Certificate (RSA-2048)"});
}

TEST_CASE("GnuTLS takes a chain, too") {
    const Filled filled(R"([{"type": "rsa", "label": "root", "certificate": {"ca": true}},
                            {"type": "ed25519", "label": "sub", "certificate": {"ca": true, "issuer": "root"}},
                            {"type": "ec", "curve": "P-521", "label": "leaf", "certificate": {"issuer": "sub"}}])");
    const LoggedIn token(filled.token());
    const Exported files(token, {"root", "sub", "leaf"});
    skip_without_tools();
    const auto judged = files.run("cat leaf.pem sub.pem root.pem | certtool --verify-chain");
    INFO(judged.output);
    CHECK(judged.status == 0);
    CHECK(judged.output.ends_with("Chain verification output: Verified. The certificate is trusted. \n\n"));
}
