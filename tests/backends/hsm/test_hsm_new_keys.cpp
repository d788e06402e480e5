// SPDX-License-Identifier: BSD-2-Clause
// What tokens are told of new keys, and keys of others that are taken in.
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

bool signs(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    const auto padding = key.algo_name() == "RSA" ? "PSS(SHA-256)" : "SHA-256";
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(key, rng, padding).sign_message(message, rng);
    return Botan::PK_Verifier(*key.public_key(), padding).verify_message(message, signature);
}

KeyRef adopt(KeyBackend& backend, test::Texts values) {
    return dynamic_cast<KeyAdopter&>(backend).adopt(HsmStore::options(Phase::adopt, values));
}

std::optional<bool> flag(const HsmStore::Direct& direct, CK_OBJECT_CLASS object_class, std::string_view label,
                         CK_ATTRIBUTE_TYPE type) {
    return pkcs11::read_flag(direct.session(), direct.find(object_class, label).at(0), type);
}

}  // namespace

TEST_CASE("a key of another program is adopted by label, id or both") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = backend->create(KeySpec::parse("p-256"),
                                      HsmStore::options(Phase::create, {{"label", "theirs"}, {"id", "0a01"}})).ref;
    static_cast<void>(HsmStore::create(*backend, "other"));
    const auto before = store.objects();
    CHECK(adopt(*backend, {{"label", "theirs"}}) == made);
    CHECK(adopt(*backend, {{"id", "0a01"}}) == made);
    CHECK(adopt(*backend, {{"id", "0A01"}, {"label", "theirs"}}) == made);
    CHECK(signs(*backend->use(adopt(*backend, {{"label", "theirs"}}), {})));
    CHECK(store.objects() == before);

    CHECK_RAISES(adopt(*backend, {}), Errc::invalid_option);
    CHECK_RAISES(adopt(*backend, {{"id", ""}}), Errc::invalid_option);
    CHECK_RAISES(adopt(*backend, {{"label", ""}}), Errc::invalid_option);
    const auto missing = test::raised([&] { return adopt(*backend, {{"label", "theirs"}, {"id", "0a02"}}); });
    CHECK(missing.code() == Errc::key_not_found);
    CHECK(missing.hint().find("\"theirs\" (id 0a01)") != std::string::npos);
    CHECK(missing.backend() == "hsm");
}

TEST_CASE("of two keys of one label none is adopted until the id tells which") {
    const HsmStore store;
    const auto backend = store.open();
    const auto first = HsmStore::create(*backend, "first").ref;
    const auto second = HsmStore::create(*backend, "second").ref;
    {
        const HsmStore::Direct direct(store);
        direct.set(direct.find(CKO_PRIVATE_KEY, "second").at(0), CKA_LABEL, "first");
    }
    const auto id = second.locator().find("id").value();
    const auto error = test::raised([&] { return adopt(*backend, {{"label", "first"}}); });
    CHECK(error.code() == Errc::key_ambiguous);
    CHECK(error.hint().find("(id " + id + ")") != std::string::npos);
    CHECK(adopt(*backend, {{"label", "first"}, {"id", id}}).fingerprint() == second.fingerprint());
}

TEST_CASE("a key whose public object belongs to another is not adopted") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root").ref;
    static_cast<void>(HsmStore::create(*backend, "other"));
    {
        const HsmStore::Direct direct(store);
        direct.session().calls().C_DestroyObject(direct.session().handle(), direct.find(CKO_PUBLIC_KEY, "root").at(0));
        const auto id = Botan::hex_decode(made.locator().find("id").value());
        direct.set(direct.find(CKO_PUBLIC_KEY, "other").at(0), CKA_ID, std::string(id.begin(), id.end()));
    }
    CHECK_RAISES(adopt(*backend, {{"label", "root"}}), Errc::verification_failed);
}

TEST_CASE("a key that may not sign is adopted without a signature") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    static_cast<void>(backend->create(KeySpec::rsa(2048),
                                      HsmStore::options(Phase::create, {{"label", "unwraps"}, {"usage", "unwrap"}})));
    store.fault().reset_counters();
    CHECK(adopt(*backend, {{"label", "unwraps"}}).key() == KeySpec::rsa(2048));
    CHECK(store.fault().calls("C_SignInit") == 0);
}

TEST_CASE("CKA_ALWAYS_AUTHENTICATE is set when it is asked for, and found again") {
    const HsmStore store;
    const HsmStore::Direct direct(store);
    pkcs11::NewObjects kept(direct.session());
    for(const bool always : {true, false}) {
        const std::string label = always ? "careful" : "usual";
        const pkcs11::NewKey key{
            .label = label, .id = {static_cast<std::uint8_t>(always)}, .always_authenticate = always};
        static_cast<void>(pkcs11::generate_key(direct.session(), KeySpec::parse("p-256"), key, kept));
        CHECK(flag(direct, CKO_PRIVATE_KEY, label, CKA_ALWAYS_AUTHENTICATE) == always);
        CHECK(pkcs11::find_key(direct.session(), {.id = std::nullopt, .label = label}, "it").always_authenticate == always);
    }
}

TEST_CASE("RSA keys have any multiple of 8 bits that the token takes") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "odd", "rsa-2056").ref;
    CHECK(made.key() == KeySpec::rsa(2056));
    CHECK(signs(*backend->use(made, {})));
}

TEST_CASE("a token that refuses a template is asked again without what it may not let choose") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    const Botan::ECDSA_PrivateKey source(Botan::system_rng(), Botan::EC_Group::from_name("secp256r1"));
    const auto refuse = [&](std::string_view function, std::string_view result, std::string_view when) {
        store.fault().clear();
        store.fault().inject(R"({"fault": "return", "function": ")" + std::string(function) + R"(", "rv": ")" +
                             std::string(result) + R"(", )" + std::string(when) + "}");
    };
    refuse("C_GenerateKeyPair", "CKR_TEMPLATE_INCONSISTENT", R"("at": 1)");
    CHECK(signs(*backend->use(HsmStore::create(*backend, "made").ref, {})));
    refuse("C_CreateObject", "CKR_ATTRIBUTE_TYPE_INVALID", R"("at": [1, 3])");
    const auto imported = backend->store(source, HsmStore::options(Phase::store, {{"label", "imported"}}));
    CHECK(signs(*backend->use(imported, {})));
    {
        const HsmStore::Direct direct(store);
        for(const auto* label : {"made", "imported"}) {
            INFO(label);
            CHECK(flag(direct, CKO_PRIVATE_KEY, label, CKA_SENSITIVE) == true);
            CHECK(flag(direct, CKO_PRIVATE_KEY, label, CKA_EXTRACTABLE) == false);
            CHECK(flag(direct, CKO_PRIVATE_KEY, label, CKA_DECRYPT) == false);
        }
    }
    const auto before = store.objects();
    refuse("C_GenerateKeyPair", "CKR_TEMPLATE_INCONSISTENT", R"("at": [1, 2])");
    CHECK_RAISES(HsmStore::create(*backend, "never"), Errc::token_failed);
    refuse("C_CreateObject", "CKR_TEMPLATE_INCOMPLETE", R"("at": 2)");
    CHECK_RAISES(backend->store(source, HsmStore::options(Phase::store, {{"label", "never"}, {"id", "01"}})),
                 Errc::token_failed);
    CHECK(store.objects() == before);
}
