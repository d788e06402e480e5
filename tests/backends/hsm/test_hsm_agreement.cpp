// SPDX-License-Identifier: BSD-2-Clause
// Keys on EC curves in a token agree on secrets with keys of others.
#include <backends/hsm/hsm_store.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <support/raises.hpp>

#include <botan/ecdh.h>
#include <botan/ec_group.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

using namespace keyway;
using keyway::test::HsmStore;
using Bytes = std::vector<std::uint8_t>;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;

auto& rng() {
    return Botan::system_rng();
}

KeyRef make_key(KeyBackend& backend, std::string_view label, std::string_view kind = "p-256", std::string_view usage = "derive") {
    return backend.create(KeySpec::parse(kind), HsmStore::options(Phase::create, {{"label", label}, {"usage", usage}})).ref;
}

/// The token and a new key in software come to the same.
bool agrees(const Botan::Private_Key& key, std::string_view kdf = "Raw") {
    const Botan::ECDH_PrivateKey other(rng(), Botan::EC_Group::from_name(KeySpec::of(key).curve()));
    const auto salt = kdf == "Raw" ? Bytes{} : Bytes{1, 2, 3};
    return Botan::PK_Key_Agreement(key, rng(), kdf).derive_key(48, other.public_value(), salt) ==
           Botan::PK_Key_Agreement(other, rng(), kdf).derive_key(48, key.raw_public_key_bits(), salt);
}

}  // namespace

TEST_CASE("keys on every curve agree, with a key derivation function and without") {
    const HsmStore store;
    const auto backend = store.open();
    for(const auto* const kind : {"p-192", "p-224", "p-256", "p-384", "p-521", "secp256k1", "brainpool-p256r1", "brainpool-p384r1",
                                  "brainpool-p512r1"}) {
        INFO(kind);
        const auto key = backend->use(make_key(*backend, kind, kind), {});
        CHECK(key->supports_operation(Botan::PublicKeyOperation::KeyAgreement));
        CHECK_FALSE(key->supports_operation(Botan::PublicKeyOperation::Signature));
        CHECK(agrees(*key));
        CHECK(agrees(*key, "HKDF(SHA-256)"));
        CHECK(agrees(*key, "KDF2(SHA-512)"));
        const Botan::PK_Key_Agreement agreement(*key, rng(), "Raw");
        const Botan::ECDH_PrivateKey other(rng(), Botan::EC_Group::from_name(KeySpec::parse(kind).curve()));
        CHECK(agreement.agreed_value_size() == Botan::PK_Key_Agreement(other, rng(), "Raw").agreed_value_size());
        CHECK(agreement.derive_key(0, other.public_value()) == agreement.derive_key(0, other.public_value()));
    }
}

TEST_CASE("a point that looks like the DER of another one is taken for what it is") {
    // 0x04 begins an uncompressed point and an OCTET STRING, whose length is the first byte of the coordinate then: one point in 256.
    const HsmStore store;
    const auto backend = store.open();
    for(const auto* const kind : {"p-224", "p-256", "p-384"}) {
        INFO(kind);
        const auto key = backend->use(make_key(*backend, kind, kind), {});
        const Botan::PK_Key_Agreement agreement(*key, rng(), "Raw");
        for(int found = 0; found < 2;) {
            const Botan::ECDH_PrivateKey other(rng(), Botan::EC_Group::from_name(KeySpec::parse(kind).curve()));
            const auto point = other.public_value();
            if(point.at(1) == point.size() - 2) {
                ++found;
                CHECK(agreement.derive_key(0, point) ==
                      Botan::PK_Key_Agreement(other, rng(), "Raw").derive_key(0, key->raw_public_key_bits()));
            }
        }
    }
}

TEST_CASE("a key may sign and agree, and two keys in the token agree with each other") {
    const HsmStore store;
    const auto backend = store.open();
    const auto a = backend->use(make_key(*backend, "a", "p-384", "sign,derive"), {});
    const auto b = backend->use(make_key(*backend, "b", "p-384"), {});
    CHECK(a->supports_operation(Botan::PublicKeyOperation::Signature));
    CHECK_FALSE(Botan::PK_Signer(*a, rng(), "SHA-384").sign_message(Bytes{1}, rng()).empty());
    CHECK(Botan::PK_Key_Agreement(*a, rng(), "Raw").derive_key(0, b->raw_public_key_bits()) ==
          Botan::PK_Key_Agreement(*b, rng(), "Raw").derive_key(0, a->raw_public_key_bits()));
}

TEST_CASE("the derived secret does not stay in the token") {
    const HsmStore store(faulty);
    const auto backend = store.open({{"max-sessions", "1"}});
    const auto key = backend->use(make_key(*backend, "a"), {});
    const auto before = store.objects();
    store.fault().reset_counters();
    for(int i = 0; i < 5; ++i) {
        CHECK(agrees(*key));
    }
    // One more for the first secret after the key was found.
    CHECK(store.fault().calls("C_DeriveKey") == 6);
    CHECK(store.fault().calls("C_DestroyObject") == 6);
    CHECK(store.objects() == before);
    const HsmStore::Direct direct(store);
    pkcs11::Template secrets;
    secrets.add_number(CKA_CLASS, CKO_SECRET_KEY);
    CHECK(pkcs11::find_objects(direct.session(), std::move(secrets)).empty());
}

TEST_CASE("what is no public key of the curve never gets to the token") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "a"), {});
    const Botan::PK_Key_Agreement agreement(*key, rng(), "Raw");
    const Botan::ECDH_PrivateKey other(rng(), Botan::EC_Group::from_name("secp256r1"));
    auto beside = other.public_value();
    beside.back() = static_cast<std::uint8_t>(beside.back() ^ 1U);
    const auto of_another_curve = Botan::ECDH_PrivateKey(rng(), Botan::EC_Group::from_name("secp256k1")).public_value();
    store.fault().reset_counters();
    for(const auto& bytes : {beside, of_another_curve, Bytes{}, Bytes{0}, Bytes(65, 4)}) {
        CHECK_RAISES(agreement.derive_key(0, bytes), Errc::invalid_argument);
    }
    CHECK(store.fault().calls("C_DeriveKey") == 0);
    CHECK(agreement.derive_key(0, other.public_value(Botan::EC_Point_Format::Compressed)) ==
          agreement.derive_key(0, other.public_value()));
}

TEST_CASE("agreement goes on through what a token does on a bad day") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "a"), {});
    for(const auto* const fault : {R"({"fault": "session-lost", "function": "C_DeriveKey", "sessions": "all"})",
                                   R"({"fault": "logged-out", "function": "C_DeriveKey"})",
                                   R"({"fault": "handles-renumbered", "function": "C_DeriveKey"})",
                                   R"({"fault": "return", "function": "C_DestroyObject", "rv": "CKR_DEVICE_ERROR", "times": 1})",
                                   R"({"fault": "return", "function": "C_DeriveKey", "rv": "CKR_TEMPLATE_INCONSISTENT", "times": 1})",
                                   R"({"fault": "device-removed", "function": "C_DeriveKey", "ms": 50})"}) {
        INFO(fault);
        store.fault().inject(fault);
        CHECK(agrees(*key));
        CHECK(agrees(*key));
    }
}

TEST_CASE("what another key agrees on is not handed out") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto ref = make_key(*backend, "a");
    static_cast<void>(make_key(*backend, "other"));
    const auto key = backend->use(ref, {});
    store.fault().inject(R"({"fault": "handles-renumbered", "function": "C_DeriveKey", "reused": true, "at": 1})");
    CHECK(agrees(*key));
    CHECK(hsm_counters(*backend)->verified == 1);
    CHECK(agrees(*key));
    CHECK(hsm_counters(*backend)->verified == 1);
}

TEST_CASE("a key that may not agree says so, and so does one of another kind") {
    const HsmStore store;
    const auto backend = store.open();
    const auto signs = backend->use(HsmStore::create(*backend, "s").ref, {});
    CHECK_FALSE(signs->supports_operation(Botan::PublicKeyOperation::KeyAgreement));
    const auto error = test::raised([&] { return Botan::PK_Key_Agreement(*signs, rng(), "Raw"); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("may not agree on secrets: it was made without that usage (CKA_DERIVE)") != std::string::npos);
    const auto rsa = backend->use(HsmStore::create(*backend, "r", "rsa-2048").ref, {});
    CHECK_RAISES(Botan::PK_Key_Agreement(*rsa, rng(), "Raw"), Errc::unsupported);
}

TEST_CASE("a usage that no key of the kind has is refused before anything is made") {
    const HsmStore store;
    const auto backend = store.open();
    const auto before = store.objects();
    for(const auto& [kind, usage, can] : std::initializer_list<std::array<std::string_view, 3>>{
            {"x25519", "sign", "it can derive (it agrees on secrets with other keys of its type)"},
            {"x448", "sign,derive", "it can derive (it agrees on secrets with other keys of its type)"},
            {"p-256", "decrypt", "it can sign and derive"},
            {"rsa-2048", "derive", "it can sign, decrypt and unwrap"},
            {"ed25519", "derive", "it can sign"},
            {"ml-dsa-44", "decrypt", "it can sign"}}) {
        INFO(kind);
        const auto error = test::raised([&] { return make_key(*backend, "k", kind, usage); });
        CHECK(error.code() == Errc::unsupported);
        CHECK(error.hint() == can);
    }
    CHECK(store.objects() == before);
}
