// SPDX-License-Identifier: BSD-2-Clause
// Key files made by the real programs, here and now; those of programs and versions that are not at hand are in
// tests/vectors/keys.
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/key/spki_fingerprint.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <catch2/catch_test_macros.hpp>
#include <support/process.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <fstream>

using namespace keyway;

namespace {

constexpr auto passphrase = "vector-passphrase";

/// A folder in which the programs of others make keys.
class Others {
public:
    Others() = default;

    /// With a key of OpenSSL's in key.pem, and its public half in key.pub.
    explicit Others(const std::string& genpkey) {
        run("openssl genpkey " + genpkey + " -out key.pem; openssl pkey -in key.pem -pubout -out key.pub");
    }

    /// Runs a line of shell, in which $PASS is the passphrase.
    void run(const std::string& line) const {
        const auto result = test::run({"sh", "-ec", line}, {.environment = {{"PASS", passphrase}}, .folder = folder_.path()});
        INFO(line << "\n" << result.out << result.err);
        REQUIRE(result.status == 0);
    }

    /// Skips the test, saying so, when a program is not installed.
    static void need(const std::string& program, const std::string& probe) {
        if(test::run({"sh", "-c", probe}).status != 0) {
            SKIP(program << " is not installed");
        }
    }

    /// What reading a file gives: its fingerprint or the name of an error.
    [[nodiscard]] std::string outcome(const std::string& name, const std::string& with = passphrase) const {
        try {
            const auto bytes = read_file(folder_.path() / name, 65536);
            return SpkiFingerprint::of(*read_private_key(bytes, name, [&] { return Secret(with); })).to_string();
        } catch(const Error& error) {
            return std::string(to_string(error.code()));
        }
    }

    [[nodiscard]] Error failure(const std::string& name) const {
        const auto bytes = read_file(folder_.path() / name, 65536);
        return test::raised([&] { return read_private_key(bytes, name, [] { return Secret(passphrase); }); });
    }

    /// The fingerprint of a public key in PEM.
    [[nodiscard]] std::string fingerprint(const std::string& public_key) const {
        const auto result = test::run(
            {"sh", "-ec", "openssl pkey -pubin -in " + public_key + " -outform DER | openssl dgst -sha256 -r"},
            {.folder = folder_.path()});
        REQUIRE(result.status == 0);
        return result.out.substr(0, 64);
    }

    void write(const std::string& name, const std::string& content) const { std::ofstream(folder_.path() / name) << content; }

    [[nodiscard]] std::string text(const std::string& name) const {
        const auto bytes = read_file(folder_.path() / name, 65536);
        return {bytes.begin(), bytes.end()};
    }

private:
    test::TemporaryFolder folder_;
};

const std::string p256 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const std::string rsa = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";

}  // namespace

TEST_CASE("PKCS#8 of OpenSSL with every PRF and every cipher of PBES2 that is sound") {
    const Others others(p256);
    const auto expected = others.fingerprint("key.pub");
    for(const auto* const prf : {"hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512",
                                 "hmacWithSHA512-256"}) {
        for(const auto* const cipher : {"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"}) {
            INFO(prf << " " << cipher);
            others.run("openssl pkcs8 -topk8 -in key.pem -passout env:PASS -v2 " + std::string(cipher) + " -v2prf " + prf +
                       " -out new.pem");
            CHECK(others.outcome("new.pem") == expected);
            CHECK(others.outcome("new.pem", "another") == "passphrase_incorrect");
        }
    }
}

TEST_CASE("an encryption that is not read is named, with the command that converts it") {
    const Others others(p256);
    for(const auto* const way : {"-v2 aria-256-cbc", "-v2 camellia-256-cbc", "-v1 PBE-SHA1-3DES", "-v2 aes-256-cbc -v2prf hmacWithMD5", "-v2 aes-256-cbc -v2prf hmacWithSHA512-224"}) {
        INFO(way);
        others.run("openssl pkcs8 -topk8 -in key.pem -passout env:PASS -out new.pem " + std::string(way));
        const auto error = others.failure("new.pem");
        CHECK(error.code() == Errc::unsupported);
        CHECK(error.hint() == "convert it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW");
    }
    others.run("openssl pkcs8 -topk8 -scrypt -in new.pem -passin env:PASS -out converted.pem -passout env:PASS");
    CHECK(others.outcome("converted.pem") == others.fingerprint("key.pub"));
}

TEST_CASE("traditional PEM of OpenSSL, encrypted with AES and 3DES: RSA and EC, with line ends of either kind") {
    const Others of_rsa(rsa);
    const Others of_ec(p256);
    for(const auto* const cipher : {"-aes128", "-aes192", "-aes256", "-des3"}) {
        INFO(cipher);
        of_rsa.run("openssl rsa -traditional -in key.pem -passout env:PASS -out new.pem " + std::string(cipher));
        of_ec.run("openssl ec -in key.pem -passout env:PASS -out new.pem " + std::string(cipher));
        CHECK(of_rsa.text("new.pem").find("Proc-Type: 4,ENCRYPTED\nDEK-Info: ") != std::string::npos);
        for(const auto* const others : {&of_rsa, &of_ec}) {
            CHECK(others->outcome("new.pem") == others->fingerprint("key.pub"));
            CHECK(others->outcome("new.pem", "another") == "passphrase_incorrect");
            others->run("sed 's/$/\\r/' new.pem > crlf.pem");
            CHECK(others->outcome("crlf.pem") == others->fingerprint("key.pub"));
        }
    }
    of_rsa.run("openssl rsa -traditional -in key.pem -passout env:PASS -out new.pem -camellia256");
    const auto error = of_rsa.failure("new.pem");
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("CAMELLIA-256-CBC") != std::string::npos);
}

TEST_CASE("a wrong passphrase never opens a traditional PEM, also where the padding is right by chance") {
    const Others others(p256);
    others.run("openssl ec -in key.pem -aes256 -passout env:PASS -out new.pem");
    for(int i = 0; i < 2000; ++i) {  // one in 256 has valid padding
        const auto got = others.outcome("new.pem", "wrong " + std::to_string(i));
        if(got != "passphrase_incorrect") {
            FAIL_CHECK("wrong " << i << ": " << got);
        }
    }
}

TEST_CASE("a traditional PEM whose headers are damaged is told as such") {
    const Others others(p256);
    others.run("openssl ec -in key.pem -aes256 -passout env:PASS -out new.pem");
    const std::vector<std::pair<std::string, std::string>> changes{
        {"/Proc-Type/d", "malformed_data"},
        {"/DEK-Info/d", "malformed_data"},
        {"s/4,ENCRYPTED/4,MIC-CLEAR/", "malformed_data"},
        {"s/AES-256-CBC,.*/AES-256-CBC/", "malformed_data"},
        {"s/AES-256-CBC,.*/AES-256-CBC,00/", "malformed_data"},
        {"s/AES-256-CBC,.*/AES-256-CBC,no hex/", "malformed_data"},
        {"s/AES-256-CBC/DES-CBC/", "unsupported"},
        {"/^$/d", "malformed_data"},
        {"/DEK-Info/{n;n;s/^....//}", "malformed_data"},
    };
    for(const auto& [change, expected] : changes) {
        INFO(change);
        others.run("sed '" + change + "' new.pem > changed.pem");
        CHECK(others.outcome("changed.pem") == expected);
    }
}

TEST_CASE("PKCS#1 and SEC 1 of OpenSSL, with and without the block EC PARAMETERS") {
    const Others of_rsa(rsa);
    of_rsa.run("openssl rsa -traditional -in key.pem -out new.pem; openssl rsa -traditional -in key.pem -outform DER -out new.der");
    CHECK(of_rsa.outcome("new.pem") == of_rsa.fingerprint("key.pub"));
    CHECK(of_rsa.outcome("new.der") == of_rsa.fingerprint("key.pub"));

    const Others of_ec;
    of_ec.run("openssl ecparam -name secp384r1 -genkey -out with.pem; openssl ec -in with.pem -pubout -out key.pub;"
              "openssl ec -in with.pem -out without.pem; openssl ec -in with.pem -outform DER -out new.der");
    CHECK(of_ec.text("with.pem").starts_with("-----BEGIN EC PARAMETERS-----"));
    CHECK(of_ec.text("without.pem").starts_with("-----BEGIN EC PRIVATE KEY-----"));
    for(const auto* const name : {"with.pem", "without.pem", "new.der"}) {
        INFO(name);
        CHECK(of_ec.outcome(name) == of_ec.fingerprint("key.pub"));
    }
}

TEST_CASE("keys of GnuTLS's certtool, plain and encrypted") {
    Others::need("certtool", "certtool --version");
    for(const auto* const kind : {"rsa --bits 2048", "ecdsa --curve secp256r1", "ecdsa --curve secp521r1", "ed25519", "ed448"}) {
        INFO(kind);
        const Others others;
        others.run("certtool --generate-privkey --no-text --outfile key.pem --key-type " + std::string(kind));
        others.run("openssl pkey -in key.pem -pubout -out key.pub");
        others.run("certtool --key-info --infile key.pem --outfile text.pem");  // with text around the block
        const auto expected = others.fingerprint("key.pub");
        CHECK(others.outcome("key.pem") == expected);
        CHECK(others.outcome("text.pem") == expected);
        for(const auto* const cipher : {"aes-128", "aes-192", "aes-256", "3des"}) {
            INFO(cipher);
            others.run("certtool --to-p8 --load-privkey key.pem --password \"$PASS\" --outfile new.pem --pkcs-cipher " + std::string(cipher));
            CHECK(others.text("new.pem").find("ENCRYPTED PRIVATE KEY") != std::string::npos);
            CHECK(others.outcome("new.pem") == expected);
        }
        others.run("certtool --to-p12 --load-privkey key.pem --p12-name a --password \"$PASS\" --outder --outfile new.p12 --pkcs-cipher aes-256");
        CHECK(others.outcome("new.p12") == expected);
    }
}

TEST_CASE("keys of Java: the key store of keytool, and PKCS#8 exported from one") {
    Others::need("keytool", "command -v keytool");
    for(const auto* const kind : {"RSA -keysize 2048", "EC -groupname secp256r1", "Ed25519"}) {
        INFO(kind);
        const Others others;
        others.run("keytool -genkeypair -alias a -dname CN=a -storetype PKCS12 -keystore store.p12 -storepass \"$PASS\" -keyalg " + std::string(kind));
        others.run("keytool -exportcert -rfc -alias a -keystore store.p12 -storepass \"$PASS\" > a.crt; openssl x509 -in a.crt -noout -pubkey > key.pub");
        const auto expected = others.fingerprint("key.pub");
        CHECK(others.outcome("store.p12") == expected);
        CHECK(others.outcome("store.p12", "another") == "passphrase_incorrect");
        others.run("openssl pkcs12 -in store.p12 -nocerts -nodes -passin env:PASS -out exported.pem");
        CHECK(others.outcome("exported.pem") == expected);
    }
    const Others others;
    others.run("keytool -genkeypair -alias a -dname CN=a -storetype JKS -keystore old.jks -storepass \"$PASS\" -keypass \"$PASS\" -keyalg RSA");
    const auto error = others.failure("old.jks");
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.hint().find("keytool -importkeystore") != std::string::npos);
    others.run("keytool -genkeypair -alias a -dname CN=a -storetype PKCS12 -keystore two.p12 -storepass \"$PASS\" -keyalg Ed25519;"
               "keytool -genkeypair -alias b -dname CN=b -storetype PKCS12 -keystore two.p12 -storepass \"$PASS\" -keyalg Ed25519");
    CHECK(others.failure("two.p12").message() == "the PKCS#12 file \"two.p12\" holds 2 private keys");
}

TEST_CASE("PKCS#12 of OpenSSL: with the encryption of today, of the past, and of none") {
    const Others others(p256);
    const auto expected = others.fingerprint("key.pub");
    others.run("openssl req -x509 -new -key key.pem -subj /CN=a -out a.crt");
    const std::string made = "openssl pkcs12 -export -in a.crt -inkey key.pem -passout env:PASS -out new.p12 ";
    for(const auto* const way : {"", "-keypbe aes-128-cbc", "-nomac", "-certpbe NONE"}) {
        INFO(way);
        others.run(made + way);
        CHECK(others.outcome("new.p12") == expected);
        CHECK(others.outcome("new.p12", "another") == "passphrase_incorrect");
    }
    others.run(made + "-keypbe NONE -certpbe NONE");
    CHECK(others.outcome("new.p12") == expected);
    others.run(made + "-keypbe PBE-SHA1-3DES");
    const auto error = others.failure("new.p12");
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.hint().find("openssl pkcs12 -in FILE -nocerts -nodes | keyway key store --in -") != std::string::npos);
    others.run("openssl pkcs12 -export -nokeys -in a.crt -passout env:PASS -certpbe NONE -out new.p12");
    CHECK(others.failure("new.p12").message() == "the PKCS#12 file \"new.p12\" holds no private key");
    others.run("openssl pkcs12 -export -nokeys -in a.crt -passout env:PASS -out new.p12");
    CHECK(others.failure("new.p12").code() == Errc::unsupported);
}

TEST_CASE("a PKCS#12 file cut short anywhere is malformed, and one changed anywhere gives the same key or an error") {
    const Others others(p256);
    others.run("openssl req -x509 -new -key key.pem -subj /CN=a -out a.crt;"
               "openssl pkcs12 -export -in a.crt -inkey key.pem -passout env:PASS -out new.p12 -iter 1");
    const auto whole = others.text("new.p12");
    const auto expected = others.outcome("new.p12");
    for(std::size_t size = 1; size < whole.size(); size += 7) {
        others.write("changed.p12", whole.substr(0, size));
        CHECK(others.outcome("changed.p12") == "malformed_data");
    }
    for(std::size_t at = 0; at < whole.size(); at += 3) {
        auto changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 0x41);
        others.write("changed.p12", changed);
        const auto got = others.outcome("changed.p12");
        if(got.size() == 64 && got != expected) {
            FAIL_CHECK("changed at " << at << ": another key");
        }
    }
}

TEST_CASE("keys of Python's cryptography, in all its forms") {
    Others::need("Python's cryptography", "python3 -c 'import cryptography'");
    const Others others;
    others.write("make.py", R"(
import os
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, rsa
password = os.environ["PASS"].encode()
for name, key in {"rsa": rsa.generate_private_key(65537, 2048), "ec": ec.generate_private_key(ec.SECP384R1()),
                  "ed25519": ed25519.Ed25519PrivateKey.generate(), "ed448": ed448.Ed448PrivateKey.generate()}.items():
    os.mkdir(name)
    with open(f"{name}/key.pub", "wb") as file:
        file.write(key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    forms = {"PKCS8": s.PrivateFormat.PKCS8}
    if name in ("rsa", "ec"):
        forms["TraditionalOpenSSL"] = s.PrivateFormat.TraditionalOpenSSL
    for form_name, form in forms.items():
        for encoding_name, encoding in {"PEM": s.Encoding.PEM, "DER": s.Encoding.DER}.items():
            for encryption in (s.NoEncryption(), s.BestAvailableEncryption(password)):
                encrypted = not isinstance(encryption, s.NoEncryption)
                if encrypted and encoding is s.Encoding.DER and form is s.PrivateFormat.TraditionalOpenSSL:
                    continue  # there is no such thing
                with open(f"{name}/{form_name}-{encoding_name}-{encrypted}.key", "wb") as file:
                    file.write(key.private_bytes(encoding, form, encryption))
)");
    others.run("python3 -W ignore make.py");
    for(const auto& [name, count] : {std::pair<std::string, int>{"rsa", 7}, {"ec", 7}, {"ed25519", 4}, {"ed448", 4}}) {
        const auto expected = others.fingerprint(name + "/key.pub");
        int read = 0;
        for(const auto* const form : {"PKCS8-PEM-False", "PKCS8-PEM-True", "PKCS8-DER-False", "PKCS8-DER-True",
                                      "TraditionalOpenSSL-PEM-False", "TraditionalOpenSSL-PEM-True", "TraditionalOpenSSL-DER-False"}) {
            INFO(name << " " << form);
            if(read < count) {
                CHECK(others.outcome(name + "/" + form + ".key") == expected);
                ++read;
            }
        }
    }
}

TEST_CASE("keys of programs whose files are not read are told how to be converted") {
    const Others others;
    others.write("putty.ppk", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n");
    others.write("tpm.pem", "-----BEGIN TSS2 PRIVATE KEY-----\nMAAA\n-----END TSS2 PRIVATE KEY-----\n");
    others.write("store.jceks", "\xce\xce\xce\xce rest");
    CHECK(others.failure("putty.ppk").hint().find("puttygen") != std::string::npos);
    CHECK(others.failure("tpm.pem").hint().find("tpm2-pkcs11") != std::string::npos);
    CHECK(others.failure("store.jceks").hint().find("keytool") != std::string::npos);
}

TEST_CASE("a DSA key is read and signs, in PKCS#8 only") {
    const Others others;
    others.run("openssl dsaparam -out parameters.pem 2048; openssl gendsa -out key.pem parameters.pem;"
               "openssl dsa -in key.pem -out old.pem; openssl pkcs8 -topk8 -in key.pem -out new.pem -passout env:PASS;"
               "openssl dsa -in key.pem -pubout -out key.pub");
    CHECK(others.outcome("new.pem") == others.fingerprint("key.pub"));
    const auto bytes = others.text("new.pem");
    const auto key = read_private_key(std::vector<std::uint8_t>(bytes.begin(), bytes.end()), "new.pem", [] { return Secret(passphrase); });
    const auto scheme = choose_scheme(*key);
    CHECK(scheme.name() == "dsa-sha256");
    auto& rng = Botan::system_rng();
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(*key, rng, scheme.botan_padding(), scheme.format()).sign_message(message, rng);
    CHECK(Botan::PK_Verifier(*key->public_key(), scheme.botan_padding(), scheme.format()).verify_message(message, signature));
    if(others.text("old.pem").find("BEGIN DSA PRIVATE KEY") != std::string::npos) {
        CHECK(others.failure("old.pem").hint() == "convert it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW");
    }
}
