// SPDX-License-Identifier: BSD-2-Clause
// Many keys opened at once say the same as each opened by itself.
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509self.h>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

auto& rng() {
    return Botan::system_rng();
}

bool signs(const Botan::Private_Key& key) {
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(key, rng(), "SHA-256").sign_message(message, rng());
    return Botan::PK_Verifier(*key.public_key(), "SHA-256").verify_message(message, signature);
}

std::vector<OpenedKey> use_all(const KeyBackend& backend, const std::vector<KeyRef>& refs) {
    return dynamic_cast<const KeyBulkOpener&>(backend).use_all(refs, {});
}

std::vector<KeyRef> store_keys(KeyBackend& backend, std::size_t count) {
    std::vector<KeyRef> refs;
    for(std::size_t i = 0; i < count; ++i) {
        const Botan::ECDSA_PrivateKey key(rng(), Botan::EC_Group::from_name("secp256r1"));
        refs.push_back(backend.store(key, HsmStore::options(Phase::store, {{"label", "key-" + std::to_string(i)}})));
    }
    return refs;
}

KeyRef with_locator(const KeyRef& ref, const KeyLocator& locator) {
    return {ref.backend(), ref.backend_type(), ref.key(), ref.fingerprint(), locator};
}

/// The error of a reference, or nothing, in words.
std::string said(const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.message() + "; " + error.hint() + "; " + error.backend();
}

void check_same_as_one_by_one(const KeyBackend& backend, const std::vector<KeyRef>& refs) {
    const auto opened = use_all(backend, refs);
    REQUIRE(opened.size() == refs.size());
    for(std::size_t i = 0; i < refs.size(); ++i) {
        INFO(refs[i].to_string());
        const auto alone = backend.check(refs[i], {});
        const auto* const error = std::get_if<Error>(&opened[i]);
        CHECK((error != nullptr ? said(*error) : "") == (alone ? said(*alone) : ""));
        if(error == nullptr) {
            const auto& key = *std::get<std::unique_ptr<Botan::Private_Key>>(opened[i]);
            CHECK(SpkiFingerprint::of(key) == refs[i].fingerprint());
            CHECK(signs(key));
        }
    }
}

}  // namespace

TEST_CASE("many keys are opened with one listing, and say what each says alone") {
    const HsmStore store;
    const auto backend = store.open();
    auto refs = store_keys(*backend, 8);
    const auto id = [&](std::size_t which) { return refs[which].locator().find("id").value(); };
    // By id alone, by label alone, without a name, and by names that no key has.
    refs.push_back(with_locator(refs[0], KeyLocator().set("id", id(0))));
    refs.push_back(with_locator(refs[1], KeyLocator().set("label", "key-1")));
    refs.push_back(with_locator(refs[1], KeyLocator()));
    refs.push_back(with_locator(refs[2], KeyLocator().set("id", id(2)).set("label", "key-3")));
    refs.push_back(with_locator(refs[2], KeyLocator().set("id", "0102")));
    refs.push_back(with_locator(refs[2], KeyLocator().set("label", "nobody")));
    refs.push_back(with_locator(refs[2], KeyLocator().set("id", "xy")));
    // Another key under the name, another kind, another type of backend.
    refs.push_back(with_locator(refs[3], refs[4].locator()));
    refs.push_back({refs[3].backend(), "hsm", KeySpec::parse("p-384"), refs[3].fingerprint(), refs[3].locator()});
    refs.push_back({refs[3].backend(), "file", refs[3].key(), refs[3].fingerprint(), refs[3].locator()});
    refs.push_back(refs[0]);
    check_same_as_one_by_one(*backend, refs);
    check_same_as_one_by_one(*backend, {refs[0], refs[12]});
    check_same_as_one_by_one(*backend, {});
}

TEST_CASE("keys whose objects are not as they should be say the same in a bunch") {
    const HsmStore store;
    const auto backend = store.open();
    const auto refs = store_keys(*backend, 9);
    const auto certificate =
        Botan::X509::create_self_signed_cert(Botan::X509_Cert_Options("x"), *backend->use(refs[0], {}), "SHA-256", rng());
    {
        const HsmStore::Direct direct(store);
        const auto destroy = [&](CK_OBJECT_CLASS object_class, std::string_view label) {
            direct.session().calls().C_DestroyObject(direct.session().handle(), direct.find(object_class, label).at(0));
        };
        const auto set_id = [&](std::string_view label, std::size_t of) {
            const auto id = Botan::hex_decode(refs[of].locator().find("id").value());
            direct.set(direct.find(CKO_PRIVATE_KEY, label).at(0), CKA_ID, std::string(id.begin(), id.end()));
            direct.set(direct.find(CKO_PUBLIC_KEY, label).at(0), CKA_ID, std::string(id.begin(), id.end()));
        };
        destroy(CKO_PUBLIC_KEY, "key-0");  // a certificate only
        pkcs11::Template object;
        object.add_number(CKA_CLASS, CKO_CERTIFICATE).add_number(CKA_CERTIFICATE_TYPE, CKC_X_509).add_yes(CKA_TOKEN);
        object.add(CKA_ID, Botan::hex_decode(refs[0].locator().find("id").value())).add_text(CKA_SUBJECT, "x");
        object.add(CKA_VALUE, certificate.BER_encode());
        CK_OBJECT_HANDLE made = 0;
        REQUIRE(direct.session().calls().C_CreateObject(direct.session().handle(), object.data(), object.size(), &made) ==
                CKR_OK);
        destroy(CKO_PUBLIC_KEY, "key-1");                                    // nothing shows the public key
        destroy(CKO_PRIVATE_KEY, "key-2");                                   // nothing but the public key
        direct.set(direct.find(CKO_PUBLIC_KEY, "key-3").at(0), CKA_LABEL, "renamed");
        direct.set(direct.find(CKO_PRIVATE_KEY, "key-4").at(0), CKA_LABEL, "renamed too");
        direct.set(direct.find(CKO_PUBLIC_KEY, "key-4").at(0), CKA_LABEL, "renamed too");
        direct.set(direct.find(CKO_PRIVATE_KEY, "key-5").at(0), CKA_ID, "");  // told by the label only
        direct.set(direct.find(CKO_PUBLIC_KEY, "key-5").at(0), CKA_ID, "");
        set_id("key-6", 7);  // two keys under one id
    }
    auto wanted = refs;
    wanted.push_back(with_locator(refs[5], KeyLocator().set("label", "key-5")));
    wanted.push_back(with_locator(refs[7], KeyLocator().set("id", refs[7].locator().find("id").value())));
    check_same_as_one_by_one(*backend, wanted);
    CHECK(std::holds_alternative<std::unique_ptr<Botan::Private_Key>>(use_all(*backend, wanted)[0]));
    CHECK(std::holds_alternative<std::unique_ptr<Botan::Private_Key>>(use_all(*backend, wanted)[9]));
}

TEST_CASE("opening many costs two searches and one reading of each object") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    const auto refs = store_keys(*backend, 10);
    store.fault().reset_counters();
    CHECK(use_all(*backend, refs).size() == 10);
    CHECK(store.fault().calls("C_FindObjectsInit") == 2);
    CHECK(store.fault().calls("C_GetAttributeValue") == 20);

    // What is wrong with the token is told once, not for each key.
    store.fault().inject(R"({"fault": "return", "function": "C_GetAttributeValue", "rv": "CKR_HOST_MEMORY", "at": 4})");
    CHECK_RAISES(use_all(*backend, refs), Errc::token_failed);
    store.fault().clear();
    store.fault().inject(R"({"fault": "return", "function": "C_GetAttributeValue", "rv": "CKR_HOST_MEMORY", "at": 1})");
    CHECK_RAISES(use_all(*backend, {refs[0], refs[1]}), Errc::token_failed);
}
