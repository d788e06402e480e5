// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/key_backend.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <support/raises.hpp>

#include <botan/bigint.h>
#include <botan/dl_group.h>
#include <botan/dsa.h>
#include <botan/ecdsa.h>
#include <botan/ec_group.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x448.h>

using namespace keyway;

TEST_CASE("every kind of key is written as it is read") {
    for(const auto& name : KeySpec::known_names()) {
        if(name != "rsa-BITS") {
            CHECK(KeySpec::parse(name).to_string() == name);
        }
    }
    CHECK(KeySpec::parse("rsa-3072").to_string() == "rsa-3072");
    CHECK(KeySpec::rsa(16384).bits() == 16384);
}

TEST_CASE("usual other names of kinds are understood") {
    CHECK(KeySpec::parse("secp256r1") == KeySpec::parse("p-256"));
    CHECK(KeySpec::parse("prime256v1") == KeySpec::parse("p-256"));
    CHECK(KeySpec::parse("P-384") == KeySpec::parse("p-384"));
    CHECK(KeySpec::parse("RSA:2048") == KeySpec::rsa(2048));
    CHECK(KeySpec::parse("rsa2048") == KeySpec::rsa(2048));
    CHECK(KeySpec::parse("brainpoolP512r1").curve() == "brainpool512r1");
    CHECK(KeySpec::parse("Ed25519").type() == KeyType::ed25519);
    CHECK(KeySpec::parse("Curve25519") == KeySpec::parse("x25519"));
    CHECK(KeySpec::parse("ML-DSA-4x4") == KeySpec::parse("ml-dsa-44"));
    CHECK(KeySpec::parse("ML-DSA-87").parameter_set() == "ML-DSA-8x7");
    CHECK(KeySpec::parse("SLH-DSA-SHAKE-192f").parameter_set() == "SLH-DSA-SHAKE-192f");
    CHECK(KeySpec::parse("slh-dsa-shake-192f").bits() == 192);
    CHECK(KeySpec::parse("ml-dsa-65").curve().empty());
}

TEST_CASE("unknown kinds and sizes are refused") {
    for(const auto* text : {"", "-", "rsa", "rsa-", "rsa-1024", "rsa-2049", "rsa-16392", "rsa-3072x", "rsa--1",
                            "rsa-99999999999999999999", "dsa", "dsa-1024", "dsa-2049", "dsa-8200", "p-255", "x25518", "ml-dsa-45", "slh-dsa-sha2-128", "sect283r1"}) {
        INFO(text);
        CHECK_RAISES(KeySpec::parse(text), Errc::unsupported);
    }
}

TEST_CASE("the kind of an existing key is told") {
    auto& rng = Botan::system_rng();
    CHECK(KeySpec::of(Botan::RSA_PrivateKey(rng, 2048)) == KeySpec::rsa(2048));
    for(const auto* name : {"p-192", "p-224", "p-256", "p-384", "p-521", "secp256k1", "brainpool-p256r1",
                            "brainpool-p384r1", "brainpool-p512r1"}) {
        INFO(name);
        const auto spec = KeySpec::parse(name);
        CHECK(KeySpec::of(Botan::ECDSA_PrivateKey(rng, Botan::EC_Group::from_name(spec.curve()))) == spec);
    }
    CHECK(KeySpec::of(Botan::Ed25519_PrivateKey(rng)).to_string() == "ed25519");
    CHECK(KeySpec::of(Botan::Ed448_PrivateKey(rng)).to_string() == "ed448");
    CHECK(KeySpec::of(Botan::X25519_PrivateKey(rng)).to_string() == "x25519");
    CHECK(KeySpec::of(Botan::X448_PrivateKey(rng)).to_string() == "x448");
    for(const auto& name : KeySpec::known_names()) {
        if(name.starts_with("ml-dsa") || (name.starts_with("slh-dsa-") && name.ends_with("f"))) {
            const auto spec = KeySpec::parse(name);
            CHECK(KeySpec::of(*generate_software_key(spec)) == spec);
            CHECK(spec.can_sign());
        }
    }
    CHECK_FALSE(KeySpec::parse("x448").can_sign());
    CHECK_RAISES(KeySpec::of(Botan::RSA_PrivateKey(rng, 1024)), Errc::unsupported);
    // Only the size matters here; a reference to such a key could be written but not read back.
    const auto modulus = Botan::BigInt::power_of_2(2051) + 1;
    CHECK_RAISES(KeySpec::of(Botan::RSA_PublicKey(modulus, 65537)), Errc::unsupported);
    const auto dsa = KeySpec::of(Botan::DSA_PrivateKey(rng, Botan::DL_Group::from_name("dsa/botan/2048")));
    CHECK(dsa == KeySpec::dsa(2048));
    CHECK(dsa == KeySpec::parse(dsa.to_string()));
    CHECK(dsa.can_sign());
}

TEST_CASE("capabilities tell what a store can hold") {
    BackendCapabilities some;
    some.key_types = {KeyType::rsa, KeyType::ec};
    some.curves = {"secp256r1"};
    some.largest_rsa_bits = 4096;
    CHECK(some.offers(KeySpec::rsa(4096)));
    CHECK_FALSE(some.offers(KeySpec::rsa(8192)));
    CHECK(some.offers(KeySpec::parse("p-256")));
    CHECK_FALSE(some.offers(KeySpec::parse("p-384")));
    CHECK_FALSE(some.offers(KeySpec::parse("ed25519")));
    for(const auto& name : KeySpec::known_names()) {
        CHECK((name == "rsa-BITS" || BackendCapabilities::everything().offers(KeySpec::parse(name))));
    }
    CHECK_FALSE(BackendCapabilities::everything().offers_import(KeySpec::dsa(2048)));
    some.import_only = {KeyType::dsa};
    CHECK_FALSE(some.offers(KeySpec::dsa(2048)));
    CHECK(some.offers_import(KeySpec::dsa(2048)));
    CHECK(some.offers_import(KeySpec::rsa(4096)));
    CHECK_FALSE(some.offers_import(KeySpec::parse("p-384")));
}
