// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/spki_fingerprint.hpp>

#include <botan/asn1_obj.h>
#include <botan/bigint.h>
#include <botan/der_enc.h>
#include <botan/pk_keys.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <support/raises.hpp>
#include <sys/resource.h>

using namespace keyway;

namespace {

const std::filesystem::path vectors = KEYWAY_KEY_VECTORS;

using Bytes = Botan::secure_vector<std::uint8_t>;

struct Vector {
    std::string name;
    bool encrypted = false;
    std::string expected;
};

std::vector<Vector> all_vectors() {
    std::ifstream file(vectors / "expected.txt");
    std::vector<Vector> out;
    for(std::string line; std::getline(file, line);) {
        if(!line.starts_with('#')) {
            std::istringstream words(line);
            Vector vector;
            std::string encrypted;
            words >> vector.name >> encrypted >> vector.expected;
            vector.encrypted = encrypted == "yes";
            out.push_back(vector);
        }
    }
    return out;
}

Bytes contents(const std::string& name) {
    return read_file(vectors / name, 65536);
}

AskPassphrase saying(const std::string& passphrase) {
    return [passphrase] { return Secret(passphrase); };
}

/// The fingerprint of the key, or the name of the error.
std::string outcome(std::span<const std::uint8_t> bytes, const AskPassphrase& passphrase) {
    try {
        return SpkiFingerprint::of(*read_private_key(bytes, "the file", passphrase)).to_string();
    } catch(const Error& error) {
        return std::string(to_string(error.code()));
    }
}

/// An EncryptedPrivateKeyInfo that asks for scrypt with these parameters.
const std::vector<std::uint8_t> sixteen(16, 7);

/// A file of 16 bytes of ciphertext that asks for this work.
std::vector<std::uint8_t> encrypted_file(const Botan::OID& derivation, const std::vector<std::uint8_t>& parameters) {
    std::vector<std::uint8_t> iv;
    Botan::DER_Encoder(iv).encode(sixteen, Botan::ASN1_Type::OctetString);
    std::vector<std::uint8_t> pbes2;
    Botan::DER_Encoder(pbes2)
        .start_sequence()
        .encode(Botan::AlgorithmIdentifier(derivation, parameters))
        .encode(Botan::AlgorithmIdentifier(Botan::OID("2.16.840.1.101.3.4.1.42"), iv))
        .end_cons();
    std::vector<std::uint8_t> out;
    Botan::DER_Encoder(out)
        .start_sequence()
        .encode(Botan::AlgorithmIdentifier(Botan::OID("1.2.840.113549.1.5.13"), pbes2))
        .encode(sixteen, Botan::ASN1_Type::OctetString)
        .end_cons();
    return out;
}

std::vector<std::uint8_t> scrypt_file(std::uint64_t n, std::uint64_t r, std::uint64_t p) {
    std::vector<std::uint8_t> parameters;
    Botan::DER_Encoder(parameters)
        .start_sequence()
        .encode(sixteen, Botan::ASN1_Type::OctetString)
        .encode(Botan::BigInt::from_u64(n))
        .encode(Botan::BigInt::from_u64(r))
        .encode(Botan::BigInt::from_u64(p))
        .end_cons();
    return encrypted_file(Botan::OID("1.3.6.1.4.1.11591.4.11"), parameters);
}

std::vector<std::uint8_t> pbkdf2_file(std::uint64_t iterations) {
    std::vector<std::uint8_t> parameters;
    Botan::DER_Encoder(parameters)
        .start_sequence()
        .encode(sixteen, Botan::ASN1_Type::OctetString)
        .encode(Botan::BigInt::from_u64(iterations))
        .end_cons();
    return encrypted_file(Botan::OID("1.2.840.113549.1.5.12"), parameters);
}

}  // namespace

TEST_CASE("keys made by other programs are read, or refused as listed") {
    const auto list = all_vectors();
    REQUIRE(list.size() == 45);
    std::set<std::string> listed{"README.md", "expected.txt"};
    for(const auto& vector : list) {
        INFO(vector.name);
        listed.insert(vector.name);
        CHECK(outcome(contents(vector.name), saying("vector-passphrase")) == vector.expected);
    }
    std::set<std::string> there;
    for(const auto& entry : std::filesystem::directory_iterator(vectors)) {
        there.insert(entry.path().filename().string());
    }
    CHECK(there == listed);
}

TEST_CASE("an encrypted key asks for its passphrase, others do not") {
    for(const auto& vector : all_vectors()) {
        if(vector.expected.size() != 64) {
            continue;
        }
        INFO(vector.name);
        const auto bytes = contents(vector.name);
        CHECK(PrivateKeyFile::parse(bytes, vector.name).is_encrypted() == vector.encrypted);
        CHECK(outcome(bytes, {}) == (vector.encrypted ? "secret_unavailable" : vector.expected));
        int asked = 0;
        static_cast<void>(outcome(bytes, [&] {
            ++asked;
            return Secret("vector-passphrase");
        }));
        CHECK(asked == (vector.encrypted ? 1 : 0));
    }
}

TEST_CASE("a wrong passphrase is always told as one, though about one in 256 gives valid padding") {
    const auto bytes = contents("p-521.pbkdf2-sha512-aes128.der");
    std::set<std::string> outcomes;
    for(int i = 0; i < 1500; ++i) {
        outcomes.insert(outcome(bytes, saying("wrong-" + std::to_string(i))));
    }
    CHECK(outcomes == std::set<std::string>{"passphrase_incorrect"});
}

TEST_CASE("a PEM file without a private key is found to be none") {
    CHECK(!PrivateKeyFile::find(contents("p-256.certificate.pem"), "x"));
    CHECK(PrivateKeyFile::find(contents("p-256.key-and-certificate.pem"), "x"));
    CHECK(outcome(Bytes{'t', 'e', 'x', 't'}, {}) == "malformed_data");
    CHECK(outcome(Bytes{}, {}) == "malformed_data");
}

TEST_CASE("text around PEM blocks, CRLF and a missing last line end do not matter") {
    const auto bytes = contents("p-256.pkcs8.pem");
    const std::string pem(bytes.begin(), bytes.end());
    const auto expected = outcome(bytes, {});
    std::string crlf = "Bag Attributes: <none>\r\nnot at a line's begin -----BEGIN PRIVATE KEY-----\r\n";
    for(const char c : pem) {
        crlf += c == '\n' ? "\r\n" : std::string(1, c);
    }
    for(const auto& text : {crlf, pem.substr(0, pem.size() - 1), pem + "trailing words\n"}) {
        CHECK(outcome(Bytes(text.begin(), text.end()), {}) == expected);
    }
}

TEST_CASE("a file cut short anywhere is malformed, and never another key") {
    for(const auto* const name : {"p-256.pkcs8.der", "p-256.sec1.der", "rsa-2048.pkcs1.der", "p-384.scrypt.der",
                                  "ed25519.pkcs8.pem", "p-256.sec1-with-parameters.pem"}) {
        INFO(name);
        const auto bytes = contents(name);
        const auto whole = bytes.size() -
                           (std::string(name).ends_with(".pem") ? 1 : 0);  // without the last line end
        for(std::size_t size = 0; size < whole; ++size) {
            const auto got = outcome(std::span(bytes).first(size), saying("vector-passphrase"));
            if(got != "malformed_data") {
                FAIL_CHECK("cut to " << size << " bytes: " << got);
            }
        }
    }
}

TEST_CASE("a file changed anywhere gives the same key or an error, and nothing worse") {
    // PBKDF2 with a changed count could take seconds; what is behind the passphrase is tested with unencrypted keys.
    std::mt19937 random(2);
    for(const auto& vector : all_vectors()) {
        INFO(vector.name);
        const auto bytes = contents(vector.name);
        for(int round = 0; round < 100; ++round) {
            auto changed = bytes;
            const auto at = random() % changed.size();
            changed[at] = static_cast<std::uint8_t>(random());
            if(round % 3 == 0) {
                changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(random() % changed.size()));
            }
            static_cast<void>(outcome(changed, {}));  // any exception but keyway::Error ends the test
        }
    }
}

TEST_CASE("RSA numbers that do not fit together are refused") {
    const auto bytes = contents("rsa-2048.pkcs1.der");
    int accepted = 0;
    for(std::size_t at = 600; at < bytes.size(); at += 40) {  // within the primes and what is derived from them
        auto changed = bytes;
        changed[at] ^= 1;
        accepted += outcome(changed, {}) == "malformed_data" ? 0 : 1;
    }
    CHECK(accepted == 0);
}

TEST_CASE("a file cannot ask for any amount of work") {
    CHECK(outcome(scrypt_file(16384, 8, 1), saying("x")) == "passphrase_incorrect");
    CHECK(outcome(scrypt_file(std::uint64_t(1) << 22, 8, 1), saying("x")) == "unsupported");        // 4 GiB
    CHECK(outcome(scrypt_file(16384, 8, 1024), saying("x")) == "unsupported");  // 16 GiB of work
    CHECK(outcome(scrypt_file(0x40000000, 0x40000000, 0x40000000), saying("x")) ==
          "unsupported");  // would overflow
    CHECK(outcome(scrypt_file(16384, 0, 0), saying("x")) == "malformed_data");
    CHECK(outcome(scrypt_file(16383, 8, 1), saying("x")) == "malformed_data");
    CHECK(outcome(scrypt_file(0, 8, 1), saying("x")) == "malformed_data");
    CHECK(outcome(pbkdf2_file(1), saying("x")) == "passphrase_incorrect");
    CHECK(outcome(pbkdf2_file(0), saying("x")) == "malformed_data");
    CHECK(outcome(pbkdf2_file(20'000'001), saying("x")) == "unsupported");
    CHECK(outcome(pbkdf2_file(0xffffffffffffffff), saying("x")) != "internal");
}

TEST_CASE("too little memory to open a file is said") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SKIP("a sanitizer takes more memory than the limit that this sets");
#endif
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
    const rlimit little{512UL * 1024UL * 1024UL, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_AS, &little) == 0);
    const auto got = outcome(scrypt_file(1UL << 20, 8, 1), saying("x"));  // 1 GiB
    REQUIRE(::setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(got == "unsupported");
}

TEST_CASE("messages name the file and say nothing of its bytes") {
    auto bytes = contents("p-256.pkcs8.pem");
    bytes[60] = '!';
    const auto error = test::raised([&] { return read_private_key(bytes, "a file"); });
    CHECK(error.code() == Errc::malformed_data);
    CHECK(error.message() == "\"a file\" is damaged or truncated: the block \"PRIVATE KEY\" is not in base64");
}
