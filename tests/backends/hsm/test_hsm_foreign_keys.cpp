// SPDX-License-Identifier: BSD-2-Clause
// Keys as other programs leave them: without a public object, with a certificate only, with values in other forms.
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <botan/der_enc.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>
#include <botan/x509self.h>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

using Bytes = std::vector<std::uint8_t>;

auto& rng() {
    return Botan::system_rng();
}

bool signs(const Botan::Private_Key& key) {
    const auto padding = KeySpec::of(*key.public_key()).type() == KeyType::rsa  ? "PKCS1v15(SHA-256)"
                         : KeySpec::of(*key.public_key()).type() == KeyType::ec ? "SHA-256"
                                                                                : "Pure";
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(key, rng(), padding).sign_message(message, rng());
    return Botan::PK_Verifier(*key.public_key(), padding).verify_message(message, signature);
}

void destroy(const HsmStore::Direct& direct, CK_OBJECT_CLASS object_class, std::string_view label) {
    for(const auto object : direct.find(object_class, label)) {
        REQUIRE(direct.session().calls().C_DestroyObject(direct.session().handle(), object) == CKR_OK);
    }
}

CK_OBJECT_HANDLE make(const HsmStore::Direct& direct, pkcs11::Template& attributes) {
    CK_OBJECT_HANDLE object = 0;
    REQUIRE(direct.session().calls().C_CreateObject(direct.session().handle(), attributes.data(), attributes.size(),
                                                    &object) == CKR_OK);
    return object;
}

Bytes id_of(const KeyRef& ref) {
    return Botan::hex_decode(ref.locator().find("id").value());
}

/// A certificate for the key, as an object of that label.
Bytes certificate_for(const Botan::Private_Key& key) {
    Botan::X509_Cert_Options options("foreign");
    options.set_padding_scheme(key.algo_name() == "RSA" ? "PKCS1v15(SHA-256)" : "");
    const auto hash = key.algo_name() == "Ed25519" ? "SHA-512" : "SHA-256";
    return Botan::X509::create_self_signed_cert(options, key, hash, rng()).BER_encode();
}

void add_certificate(const HsmStore::Direct& direct, const Bytes& id, std::string_view label, const Bytes& der) {
    pkcs11::Template object;
    object.add_number(CKA_CLASS, CKO_CERTIFICATE).add_number(CKA_CERTIFICATE_TYPE, CKC_X_509).add_yes(CKA_TOKEN);
    object.add_no(CKA_PRIVATE).add(CKA_ID, id).add_text(CKA_LABEL, label).add_text(CKA_SUBJECT, "x").add(CKA_VALUE, der);
    make(direct, object);
}

/// The public object of an EC key, with its parts as given.
void add_public_ec(const HsmStore::Direct& direct,
                   const Bytes& id,
                   std::string_view label,
                   const Bytes& parameters,
                   const Bytes& point) {
    pkcs11::Template object;
    object.add_number(CKA_CLASS, CKO_PUBLIC_KEY).add_number(CKA_KEY_TYPE, CKK_EC).add_yes(CKA_TOKEN).add_no(CKA_PRIVATE);
    object.add(CKA_ID, id).add_text(CKA_LABEL, label).add(CKA_EC_PARAMS, parameters).add(CKA_EC_POINT, point);
    make(direct, object);
}

std::vector<std::string> labels(const KeyListing& listing) {
    std::vector<std::string> out;
    for(const auto& key : listing.keys) {
        out.push_back(key.label);
    }
    return out;
}

KeyListing list(const KeyBackend& backend) {
    return dynamic_cast<const KeyLister&>(backend).list({});
}

/// It is found, listed as a whole key, checked and used.
void check_usable(KeyBackend& backend, const KeyRef& ref) {
    CHECK_FALSE(backend.check(ref, {}).has_value());
    CHECK(signs(*backend.use(ref, {})));
    const auto listing = list(backend);
    CHECK(listing.faults.empty());
    REQUIRE(listing.keys.size() == 1);
    CHECK(listing.keys[0].ref == ref);
    CHECK(listing.keys[0].attributes.back() == std::pair<std::string, std::string>("extractable", "no"));
}

}  // namespace

TEST_CASE("the public key of an RSA key without a public object is in its private object") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root", "rsa-2048");
    destroy(HsmStore::Direct(store), CKO_PUBLIC_KEY, "root");
    check_usable(*backend, made.ref);
    dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
    CHECK(store.objects() == 0);
}

TEST_CASE("a private key with a certificate only is found, listed, checked, used and removed") {
    const HsmStore store;
    const auto backend = store.open();
    const std::string kind = GENERATE("p-256", "ed25519");
    const auto made = HsmStore::create(*backend, "root", kind);
    {
        const HsmStore::Direct direct(store);
        add_certificate(direct, id_of(made.ref), "its certificate", certificate_for(*backend->use(made.ref, {})));
        destroy(direct, CKO_PUBLIC_KEY, "root");
    }
    check_usable(*backend, made.ref);
    dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
    CHECK(HsmStore::Direct(store).find(CKO_CERTIFICATE, "its certificate").size() == 1);
    CHECK(store.objects() == 1);
}

TEST_CASE("a certificate under another id, or of no key, does not make a key") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    {
        const HsmStore::Direct direct(store);
        add_certificate(direct, {9}, "root", certificate_for(*backend->use(made.ref, {})));
        destroy(direct, CKO_PUBLIC_KEY, "root");
        CHECK(backend->check(made.ref, {}).value().code() == Errc::key_not_found);
        add_certificate(direct, id_of(made.ref), "root", {0x30, 0x03, 0x02, 0x01, 0x01});
    }
    CHECK(backend->check(made.ref, {}).value().code() == Errc::malformed_data);
    CHECK(list(*backend).keys.empty());
    REQUIRE(list(*backend).faults.size() == 1);
    CHECK(list(*backend).faults[0].message().starts_with("token \"" + store.token().label() +
                                                         "\" has a private key with label \"root\" and id "));
}

TEST_CASE("two certificates that disagree are not guessed between, and none outweighs a public object") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    {
        const HsmStore::Direct direct(store);
        const Botan::ECDSA_PrivateKey other(rng(), Botan::EC_Group::from_name("secp256r1"));
        add_certificate(direct, id_of(made.ref), "old", certificate_for(other));
        CHECK(signs(*backend->use(made.ref, {})));
        CHECK(list(*backend).faults.empty());

        add_certificate(direct, id_of(made.ref), "new", certificate_for(*backend->use(made.ref, {})));
        destroy(direct, CKO_PUBLIC_KEY, "root");
    }
    const auto error = backend->check(made.ref, {}).value();
    CHECK(error.code() == Errc::key_ambiguous);
    CHECK(error.message() == "token \"" + store.token().label() + "\" has several different public keys with id " +
                                 made.ref.locator().find("id").value());
    CHECK(list(*backend).keys.empty());
    CHECK(list(*backend).faults.at(0).code() == Errc::key_ambiguous);
}

TEST_CASE("a public object that says something else than the private one is not believed") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root", "rsa-2048");
    const auto other = HsmStore::create(*backend, "other", "rsa-2048");
    {
        const HsmStore::Direct direct(store);
        destroy(direct, CKO_PUBLIC_KEY, "root");
        destroy(direct, CKO_PRIVATE_KEY, "other");
        const auto id = id_of(made.ref);
        direct.set(direct.find(CKO_PUBLIC_KEY, "other").at(0), CKA_ID, std::string(id.begin(), id.end()));
    }
    CHECK(backend->check(made.ref, {}).value().code() == Errc::key_ambiguous);
}

TEST_CASE("CKA_PUBLIC_KEY_INFO of the private object shows its public key") {
    const HsmStore store;
    const auto backend = store.open();
    const Botan::ECDSA_PrivateKey source(rng(), Botan::EC_Group::from_name("secp256r1"));
    const auto ref = backend->store(source, HsmStore::options(Phase::store, {{"label", "root"}}));
    {
        const HsmStore::Direct direct(store);
        destroy(direct, CKO_PUBLIC_KEY, "root");
        destroy(direct, CKO_PRIVATE_KEY, "root");
        pkcs11::Template object;
        object.add_number(CKA_CLASS, CKO_PRIVATE_KEY).add_number(CKA_KEY_TYPE, CKK_EC).add_yes(CKA_TOKEN);
        object.add_yes(CKA_PRIVATE).add_yes(CKA_SENSITIVE).add_no(CKA_EXTRACTABLE).add_yes(CKA_SIGN);
        object.add(CKA_ID, id_of(ref)).add_text(CKA_LABEL, "root").add(CKA_EC_PARAMS, source.DER_domain());
        object.add(CKA_VALUE, source.raw_private_key_bits()).add(CKA_PUBLIC_KEY_INFO, source.subject_public_key());
        make(direct, object);
    }
    check_usable(*backend, ref);
}

TEST_CASE("a damaged public object is passed over where something else shows the key") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    const auto certificate = certificate_for(*backend->use(made.ref, {}));
    const HsmStore::Direct direct(store);
    destroy(direct, CKO_PUBLIC_KEY, "root");
    add_public_ec(direct, id_of(made.ref), "root", Botan::hex_decode("06082a8648ce3d030107"), {4, 2, 1, 1});
    CHECK(backend->check(made.ref, {}).value().code() == Errc::malformed_data);
    add_certificate(direct, id_of(made.ref), "root", certificate);
    check_usable(*backend, made.ref);
}

TEST_CASE("a curve is named by its OID or its name, and explicit parameters are refused") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    const auto point = backend->use(made.ref, {})->raw_public_key_bits();
    const auto with_parameters = [&](const Bytes& parameters) {
        const HsmStore::Direct direct(store);
        destroy(direct, CKO_PUBLIC_KEY, "root");
        add_public_ec(direct, id_of(made.ref), "root", parameters, point);
        return backend->check(made.ref, {});
    };
    for(const std::string name : {"secp256r1", "prime256v1", "P-256"}) {
        INFO(name);
        const auto der = "\x13" + std::string(1, static_cast<char>(name.size())) + name;
        CHECK_FALSE(with_parameters(Bytes(der.begin(), der.end())).has_value());
    }
    const auto error = with_parameters(Botan::EC_Group::from_name("secp256r1").DER_encode(Botan::EC_Group_Encoding::Explicit));
    CHECK(error.value().code() == Errc::unsupported);
    CHECK(error->message() ==
          "a key object in the token does not name its curve: CKA_EC_PARAMS has explicit parameters");
    CHECK(with_parameters({0x05, 0x00}).value().code() == Errc::unsupported);
    CHECK(with_parameters({0x13, 0x01, 'x'}).value().code() == Errc::key_not_found);
    CHECK(with_parameters({0x06, 0x01}).value().code() == Errc::malformed_data);
}

TEST_CASE("tokens that keep the public point without its OCTET STRING, also written so") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    store.fault().inject(R"({"fault": "ec-point-raw"})");
    const auto made = HsmStore::create(*backend, "root", GENERATE("p-521", "ed448"));
    CHECK(signs(*backend->use(made.ref, {})));

    const HsmStore::Direct direct(store);
    store.fault().clear();
    const Botan::ECDSA_PrivateKey source(rng(), Botan::EC_Group::from_name("secp384r1"));
    pkcs11::NewObjects kept(direct.session());
    static_cast<void>(pkcs11::import_key(
        direct.session(), source, {.label = "raw", .id = {7}, .rules = {.ec_point = pkcs11::EcPointForm::raw, .edwards_point = pkcs11::EcPointForm::raw}}, kept));
    CHECK(pkcs11::read_attribute(direct.session(), direct.find(CKO_PUBLIC_KEY, "raw").at(0), CKA_EC_POINT).value() ==
          source.raw_public_key_bits());
    CHECK(SpkiFingerprint::of(*pkcs11::find_key(direct.session(), {.id = std::nullopt, .label = "raw"}, "it").public_key) ==
          SpkiFingerprint::of(source));
}

TEST_CASE("attributes that a module withholds or refuses in a bunch are done without") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root", "rsa-2048");
    const auto check_with = [&](std::string_view fault) {
        INFO(fault);
        store.fault().inject(fault);
        check_usable(*backend, made.ref);
        store.fault().clear();
    };
    check_with(R"({"fault": "attributes-withheld", "attributes": ["CKA_MODULUS", "CKA_PUBLIC_EXPONENT"],
                   "classes": "CKO_PUBLIC_KEY"})");
    check_with(R"({"fault": "attributes-withheld", "attributes": ["CKA_MODULUS", "CKA_PUBLIC_EXPONENT"],
                   "classes": "CKO_PRIVATE_KEY", "sensitive": true})");
    check_with(R"({"fault": "attributes-withheld", "attributes": ["CKA_PUBLIC_KEY_INFO", "CKA_ALWAYS_AUTHENTICATE"]})");
    check_with(R"({"fault": "return", "function": "C_GetAttributeValue", "rv": "CKR_FUNCTION_FAILED", "at": 1})");
    check_with(R"({"fault": "return", "function": "C_GetAttributeValue", "rv": "CKR_TEMPLATE_INCONSISTENT", "at": 2})");

    // What is no word about attributes is not taken for one.
    store.fault().inject(R"({"fault": "return", "function": "C_GetAttributeValue", "rv": "CKR_HOST_MEMORY", "at": 1})");
    CHECK(backend->check(made.ref, {}).value().code() == Errc::token_failed);
}

TEST_CASE("a key is read in few calls") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    const auto calls = [&](const auto& work) {
        store.fault().reset_counters();
        work();
        return std::pair(store.fault().calls("C_FindObjectsInit"), store.fault().calls("C_GetAttributeValue"));
    };
    // The private object twice, as it has no CKA_EC_POINT, and the public one once.
    CHECK(calls([&] { CHECK_FALSE(backend->check(made.ref, {}).has_value()); }) == std::pair<std::uint64_t, std::uint64_t>(2, 3));
    for(const auto* label : {"a", "b", "c"}) {
        static_cast<void>(HsmStore::create(*backend, label));
    }
    CHECK(calls([&] { CHECK(labels(list(*backend)) == std::vector<std::string>{"a", "b", "c", "root"}); }) ==
          std::pair<std::uint64_t, std::uint64_t>(2, 8));
}
