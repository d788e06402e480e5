// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <keyway/key/signature_scheme.hpp>

#include <botan/pubkey.h>
#include <botan/x25519.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;

namespace {

struct Words {
    std::string name;
    std::string padding;
    std::string hash;
    Botan::Signature_Format format;

    bool operator==(const Words&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Words& words) {
    return out << words.name << " | " << words.padding << " | " << words.hash << " | "
               << static_cast<int>(words.format);
}

Words words(const SignatureScheme& scheme) {
    return {scheme.name(), scheme.botan_padding(), scheme.hash(), scheme.format()};
}

constexpr auto standard = Botan::Signature_Format::Standard;
constexpr auto sequence = Botan::Signature_Format::DerSequence;

}  // namespace

TEST_CASE("every key type has a default scheme, and signs with it") {
    struct Case {
        std::string_view key;
        Words expected;
    };
    const Case c = GENERATE(values<Case>({
        {"RSA-2048", {"rsa-pkcs1v15-sha256", "PKCS1v15(SHA-256)", "SHA-256", standard}},
        {"secp192r1", {"ecdsa-sha256", "SHA-256", "SHA-256", sequence}},
        {"secp224r1", {"ecdsa-sha256", "SHA-256", "SHA-256", sequence}},
        {"secp256r1", {"ecdsa-sha256", "SHA-256", "SHA-256", sequence}},
        {"secp256k1", {"ecdsa-sha256", "SHA-256", "SHA-256", sequence}},
        {"brainpool256r1", {"ecdsa-sha256", "SHA-256", "SHA-256", sequence}},
        {"brainpool320r1", {"ecdsa-sha384", "SHA-384", "SHA-384", sequence}},
        {"secp384r1", {"ecdsa-sha384", "SHA-384", "SHA-384", sequence}},
        {"brainpool384r1", {"ecdsa-sha384", "SHA-384", "SHA-384", sequence}},
        {"brainpool512r1", {"ecdsa-sha512", "SHA-512", "SHA-512", sequence}},
        {"secp521r1", {"ecdsa-sha512", "SHA-512", "SHA-512", sequence}},
        {"Ed25519", {"ed25519", "Pure", "", standard}},
        {"Ed448", {"ed448", "Pure", "", standard}},
        {"DSA-2048", {"dsa-sha256", "SHA-256", "SHA-256", sequence}},
        {"ML-DSA-6x5", {"ml-dsa", "", "", standard}},
        {"SLH-DSA-SHA2-128f", {"slh-dsa", "", "", standard}},
    }));
    const auto key = make_key(c.key);
    const SignatureScheme scheme = choose_scheme(*key);
    CHECK(words(scheme) == c.expected);

    Botan::PK_Signer signer(*key, rng(), scheme.botan_padding(), scheme.format());
    const auto signature = signer.sign_message(bytes_of("message"), rng());
    Botan::PK_Verifier verifier(*key, signer.algorithm_identifier());
    CHECK(verifier.verify_message(bytes_of("message"), signature));
}

TEST_CASE("a wish is followed where the key can") {
    const auto rsa = make_key("RSA-2048");
    const auto p256 = make_key("secp256r1");
    CHECK(words(choose_scheme(*rsa, {"sha384", {}})) ==
          Words{"rsa-pkcs1v15-sha384", "PKCS1v15(SHA-384)", "SHA-384", standard});
    CHECK(words(choose_scheme(*rsa, {{}, RsaPadding::pss})) ==
          Words{"rsa-pss-sha256", "PSS(SHA-256,MGF1,32)", "SHA-256", standard});
    CHECK(words(choose_scheme(*rsa, {"SHA3-512", RsaPadding::pss})) ==
          Words{"rsa-pss-sha3-512", "PSS(SHA-3(512),MGF1,64)", "SHA-3(512)", standard});
    CHECK(words(choose_scheme(*rsa, {"SHA224", RsaPadding::pkcs1v15})) ==
          Words{"rsa-pkcs1v15-sha224", "PKCS1v15(SHA-224)", "SHA-224", standard});
    CHECK(words(choose_scheme(*p256, {"sha512", {}})) ==
          Words{"ecdsa-sha512", "SHA-512", "SHA-512", sequence});
    CHECK(words(choose_scheme(*p256, {"sha3-256", {}})) ==
          Words{"ecdsa-sha3-256", "SHA-3(256)", "SHA-3(256)", sequence});
}

TEST_CASE("every accepted hash works with RSA in both paddings and with ECDSA") {
    const std::string hash = GENERATE(as<std::string>{}, "sha224", "sha256", "sha384", "sha512", "sha3-224",
                                      "sha3-256", "sha3-384", "sha3-512");
    const auto rsa = make_key("RSA-2048");
    const auto p384 = make_key("secp384r1");
    const auto signs = [](const Botan::Private_Key& key, const SignatureWish& wish) {
        const SignatureScheme scheme = choose_scheme(key, wish);
        Botan::PK_Signer signer(key, rng(), scheme.botan_padding(), scheme.format());
        const auto signature = signer.sign_message(bytes_of("message"), rng());
        return Botan::PK_Verifier(key, signer.algorithm_identifier())
            .verify_message(bytes_of("message"), signature);
    };
    CHECK(signs(*rsa, {hash, RsaPadding::pkcs1v15}));
    CHECK(signs(*rsa, {hash, RsaPadding::pss}));
    CHECK(signs(*p384, {hash, {}}));
}

TEST_CASE("a wish that the key cannot fulfil is refused") {
    const auto ed25519 = make_key("Ed25519");
    const auto ed448 = make_key("Ed448");
    const auto p256 = make_key("secp256r1");
    const auto rsa = make_key("RSA-2048");
    const Botan::X25519_PrivateKey x25519(rng());

    CHECK(message_of([&] {
              return choose_scheme(*ed25519, {"sha256", {}});
          }) == R"(an Ed25519 key cannot sign with the hash "sha256")");
    CHECK(error_of([&] { return choose_scheme(*ed448, {"sha512", {}}); }) == Errc::unsupported);
    CHECK(error_of([&] { return choose_scheme(*ed25519, {{}, RsaPadding::pss}); }) == Errc::unsupported);
    CHECK(error_of([&] { return choose_scheme(*p256, {{}, RsaPadding::pss}); }) == Errc::unsupported);
    CHECK(message_of([&] { return choose_scheme(x25519); }) == R"(a key of type "X25519" cannot sign)");
    CHECK(error_of([&] { return choose_scheme(*rsa, {"sha1", {}}); }) == Errc::unsupported);
    CHECK(error_of([&] { return choose_scheme(*p256, {"MD5", {}}); }) == Errc::unsupported);
    CHECK(error_of([&] { return choose_scheme(*rsa, {"whirlpool", {}}); }) == Errc::invalid_argument);
}

TEST_CASE("hash names are read in all usual spellings") {
    CHECK(canonical_hash_name("sha256") == "SHA-256");
    CHECK(canonical_hash_name("sha-256") == "SHA-256");
    CHECK(canonical_hash_name("SHA-256") == "SHA-256");
    CHECK(canonical_hash_name("SHA3-256") == "SHA-3(256)");
    CHECK(canonical_hash_name("sha3_384") == "SHA-3(384)");
    CHECK(canonical_hash_name("SHA-3(512)") == "SHA-3(512)");
    CHECK(error_of([] { return canonical_hash_name(""); }) == Errc::invalid_argument);
    CHECK(error_of([] { return canonical_hash_name("sha2"); }) == Errc::invalid_argument);
    CHECK(error_of([] { return canonical_hash_name("SHA-1"); }) == Errc::unsupported);
}

TEST_CASE("wishes are read from text") {
    CHECK(parse_signature_wish("sha384") == SignatureWish{"SHA-384", {}});
    CHECK(parse_signature_wish("SHA-3(256)") == SignatureWish{"SHA-3(256)", {}});
    CHECK(parse_signature_wish("sha3-256") == SignatureWish{"SHA-3(256)", {}});
    CHECK(parse_signature_wish("pss") == SignatureWish{{}, RsaPadding::pss});
    CHECK(parse_signature_wish("PKCS1v15") == SignatureWish{{}, RsaPadding::pkcs1v15});
    CHECK(parse_signature_wish("pss-sha256") == SignatureWish{"SHA-256", RsaPadding::pss});
    CHECK(parse_signature_wish("rsa-pss-sha3-512") == SignatureWish{"SHA-3(512)", RsaPadding::pss});
    CHECK(parse_signature_wish("rsa-pkcs1v15-sha512") == SignatureWish{"SHA-512", RsaPadding::pkcs1v15});

    CHECK(error_of([] { return parse_signature_wish(""); }) == Errc::invalid_argument);
    CHECK(error_of([] { return parse_signature_wish("rsa-sha256"); }) == Errc::invalid_argument);
    CHECK(error_of([] { return parse_signature_wish("pss-"); }) == Errc::invalid_argument);
    CHECK(error_of([] { return parse_signature_wish("oaep"); }) == Errc::invalid_argument);
    CHECK(error_of([] { return parse_signature_wish("pss-sha1"); }) == Errc::unsupported);
}

TEST_CASE("the name of an RSA scheme is a wish for that scheme") {
    const auto rsa = make_key("RSA-2048");
    for(const RsaPadding padding : {RsaPadding::pkcs1v15, RsaPadding::pss}) {
        const SignatureScheme scheme = choose_scheme(*rsa, {"sha384", padding});
        CHECK(choose_scheme(*rsa, parse_signature_wish(scheme.name())) == scheme);
    }
}
