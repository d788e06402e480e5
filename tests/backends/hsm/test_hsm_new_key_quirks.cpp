// SPDX-License-Identifier: BSD-2-Clause
// Making keys by what the token can do and by its quirks: what it cannot hold is refused before anything is made.
#include <backends/hsm/fault_support.hpp>
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <botan/ed25519.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <fstream>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;

/// A profile with these quirks, in a file.
std::string profile(const HsmStore& store, const std::string& quirks) {
    const auto path = store.token().directory() / "profile.json";
    std::ofstream(path) << R"({"name": "tested", "summary": "a token of the tests", "quirks": [)" << quirks << "]}";
    return path.string();
}

std::string quirk(const std::string& name, const std::string& value) {
    return R"({")" + name + R"(": )" + value + R"(, "reason": "the test says so", "source": "measured"})";
}

std::unique_ptr<KeyBackend> open(const HsmStore& store, const std::string& name, const std::string& value) {
    return store.open({{"quirks", profile(store, quirk(name, value))}});
}

KeyRef import(KeyBackend& backend, const Botan::Private_Key& key, std::string_view label) {
    return backend.store(key, HsmStore::options(Phase::store, {{"label", label}}));
}

std::optional<std::vector<std::uint8_t>> attribute(const HsmStore& store,
                                                   CK_OBJECT_CLASS object_class,
                                                   std::string_view label,
                                                   CK_ATTRIBUTE_TYPE type) {
    const HsmStore::Direct direct(store);
    const auto found = direct.find(object_class, label);
    REQUIRE(found.size() == 1);
    return pkcs11::read_attribute(direct.session(), found.front(), type);
}

const std::vector<std::uint8_t> yes{CK_TRUE};
const std::vector<std::uint8_t> no{CK_FALSE};

}  // namespace

TEST_CASE("a kind that the token has no mechanism for is refused with what it can, before anything is made") {
    const HsmStore store(faulty);
    store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_EC_EDWARDS_KEY_PAIR_GEN", "CKM_EDDSA"]})");
    const auto backend = store.open({{"user-pin", "file:/nowhere"}});
    store.fault().reset_counters();
    const auto error = test::raised([&] { return HsmStore::create(*backend, "ed", "ed25519"); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.backend() == "hsm");
    CHECK(error.hint().find("p-256") != std::string::npos);
    CHECK(error.hint().find("ed448") == std::string::npos);
    CHECK(error.hint().find("RSA of 2048 to 16384 bits") != std::string::npos);
    CHECK_RAISES(import(*backend, Botan::Ed25519_PrivateKey(Botan::system_rng()), "ed"), Errc::unsupported);
    CHECK(store.fault().calls("C_Login") == 0);
    CHECK(store.fault().calls("C_GenerateKeyPair") == 0);
    CHECK(store.fault().calls("C_CreateObject") == 0);
    CHECK(store.objects() == 0);
}

TEST_CASE("a token is asked what it can hold once, when that matters first") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const auto backend = store.open();
    store.fault().reset_counters();
    CHECK(test::signs(*backend->use(ref, {})));
    CHECK(store.fault().calls("C_GetMechanismList") == 0);
    CHECK(backend->capabilities().offers(KeySpec::parse("ed448")));
    CHECK(store.fault().calls("C_GetMechanismList") == 2);  // how many, and which
    CHECK_FALSE(backend->capabilities().offers(KeySpec::parse("p-256")) == false);
    static_cast<void>(HsmStore::create(*backend, "second"));
    CHECK(store.fault().calls("C_GetMechanismList") == 2);
}

TEST_CASE("a token that imports keys of a kind that it does not make holds them all the same") {
    const HsmStore store(faulty);
    store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_EC_KEY_PAIR_GEN", "CKM_RSA_PKCS_KEY_PAIR_GEN"]})");
    const auto backend = store.open();
    CHECK_RAISES(HsmStore::create(*backend, "made"), Errc::unsupported);
    CHECK(test::signs(*backend->use(import(*backend, *test::software_key(), "imported"), {})));
    CHECK(backend->capabilities().offers(KeySpec::parse("p-256")));
}

TEST_CASE("a token without a list of mechanisms is taken to hold everything; one that fails for a moment is asked again") {
    const HsmStore store(faulty);
    store.fault().inject(R"({"fault": "return", "function": "C_GetMechanismList", "rv": "CKR_FUNCTION_NOT_SUPPORTED", "every": 1})");
    CHECK(test::signs(*store.open()->use(HsmStore::create(*store.open(), "root").ref, {})));
    store.fault().clear();
    store.fault().inject(R"({"fault": "return", "function": "C_GetMechanismList", "rv": "CKR_DEVICE_ERROR", "at": 1})");
    CHECK(store.open()->capabilities().offers(KeySpec::parse("p-256")));
    store.fault().inject(R"({"fault": "return", "function": "C_GetMechanismInfo", "rv": "CKR_MECHANISM_INVALID", "every": 1})");
    CHECK(store.open()->capabilities().largest_rsa_bits == 16384);
}

TEST_CASE("only the curves of a token's profile are made") {
    const HsmStore store;
    const auto backend = open(store, "only-curves", R"(["secp256r1", "Ed25519"])");
    const auto& kinds = backend->capabilities();
    CHECK(kinds.curves == std::vector<std::string>{"secp256r1"});
    CHECK_RAISES(HsmStore::create(*backend, "p", "p-384"), Errc::unsupported);
    CHECK_RAISES(HsmStore::create(*backend, "e", "ed448"), Errc::unsupported);
    CHECK(test::signs(*backend->use(HsmStore::create(*backend, "a").ref, {})));
    static_cast<void>(HsmStore::create(*backend, "b", "ed25519"));
    CHECK_RAISES(HsmStore::create(*open(store, "avoid-curves", R"(["secp384r1"])"), "p", "p-384"), Errc::unsupported);
}

TEST_CASE("a token that takes no keys from elsewhere says so, and what to do instead") {
    const HsmStore store(faulty);
    for(const auto& [name, value] : {std::pair{"no-key-import", "true"}, std::pair{"missing-functions", R"(["C_CreateObject"])"}}) {
        const auto backend = open(store, name, value);
        const auto error = test::raised([&] { return import(*backend, *test::software_key(), "imported"); });
        CHECK(error.code() == Errc::unsupported);
        CHECK(error.message().find("takes no keys from elsewhere") != std::string::npos);
        CHECK(error.hint().find("keyway key create") != std::string::npos);
    }
    CHECK(store.fault().calls("C_CreateObject") == 0);
    static_cast<void>(HsmStore::create(*open(store, "no-key-import", "true"), "made"));
}

TEST_CASE("attributes that a token refuses are left out of its templates") {
    const HsmStore store;
    static_cast<void>(HsmStore::create(*store.open(), "usual"));
    CHECK(attribute(store, CKO_PRIVATE_KEY, "usual", CKA_SIGN_RECOVER) == no);
    const auto backend = open(store, "refused-attributes",
                              R"({"generate-private": ["CKA_SIGN_RECOVER"], "generate-public": ["CKA_VERIFY_RECOVER"],
                                  "import-private": ["CKA_SIGN_RECOVER"], "import-public": ["CKA_VERIFY_RECOVER"]})");
    static_cast<void>(HsmStore::create(*backend, "made"));
    static_cast<void>(import(*backend, *test::software_key(), "imported"));
    // What is left out, SoftHSM takes as allowed.
    for(const auto* const label : {"made", "imported"}) {
        INFO(label);
        CHECK(attribute(store, CKO_PRIVATE_KEY, label, CKA_SIGN_RECOVER) == yes);
        CHECK(attribute(store, CKO_PUBLIC_KEY, label, CKA_VERIFY_RECOVER) == yes);
        CHECK(attribute(store, CKO_PRIVATE_KEY, label, CKA_UNWRAP) == no);
    }
}

TEST_CASE("a template that a token refuses is tried again with less, without a profile and with one") {
    const HsmStore store(faulty);
    const auto refuse = [&](const char* function) {
        store.fault().inject(R"({"fault": "return", "at": 1, "rv": "CKR_TEMPLATE_INCONSISTENT", "function": ")" +
                             std::string(function) + R"("})");
    };
    refuse("C_GenerateKeyPair");
    static_cast<void>(HsmStore::create(*store.open(), "plain"));
    CHECK(attribute(store, CKO_PRIVATE_KEY, "plain", CKA_SIGN_RECOVER) == yes);
    CHECK(attribute(store, CKO_PRIVATE_KEY, "plain", CKA_DECRYPT) == no);
    store.fault().clear();
    refuse("C_GenerateKeyPair");
    static_cast<void>(HsmStore::create(*open(store, "refused-attributes", R"({"generate-private": ["CKA_DECRYPT"]})"), "less"));
    CHECK(attribute(store, CKO_PRIVATE_KEY, "less", CKA_SIGN_RECOVER) == yes);
    CHECK(attribute(store, CKO_PRIVATE_KEY, "less", CKA_DECRYPT) == yes);
    store.fault().clear();
    refuse("C_CreateObject");
    static_cast<void>(import(*store.open(), *test::software_key(), "imported"));
    CHECK(attribute(store, CKO_PUBLIC_KEY, "imported", CKA_VERIFY_RECOVER) == yes);
}

TEST_CASE("points are written in the form of the token's profile") {
    const HsmStore store;
    const Botan::Ed25519_PrivateKey edwards(Botan::system_rng());
    static_cast<void>(import(*store.open(), *test::software_key(), "der"));
    CHECK(attribute(store, CKO_PUBLIC_KEY, "der", CKA_EC_POINT).value().size() == 67);
    const auto raw = open(store, "ec-point", R"("raw")");
    const auto ref = import(*raw, *test::software_key(), "raw");
    CHECK(attribute(store, CKO_PUBLIC_KEY, "raw", CKA_EC_POINT).value().size() == 65);
    CHECK(test::signs(*store.open()->use(ref, {})));
    static_cast<void>(import(*raw, edwards, "edwards-der"));
    CHECK(attribute(store, CKO_PUBLIC_KEY, "edwards-der", CKA_EC_POINT).value().size() == 34);
    const auto edwards_raw = open(store, "edwards-point", R"("raw")");
    static_cast<void>(import(*edwards_raw, Botan::Ed25519_PrivateKey(Botan::system_rng()), "edwards-raw"));
    CHECK(attribute(store, CKO_PUBLIC_KEY, "edwards-raw", CKA_EC_POINT).value().size() == 32);
    static_cast<void>(import(*edwards_raw, *test::software_key(), "still-der"));
    CHECK(attribute(store, CKO_PUBLIC_KEY, "still-der", CKA_EC_POINT).value().size() == 67);
}

TEST_CASE("Ed25519 keys are made with the parameters of the token's profile") {
    const HsmStore store;
    // Those of Ed448, so that it is seen in what SoftHSM makes of them.
    const auto backend = open(store, "ed25519-parameters", R"("1.3.101.113")");
    CHECK_RAISES(HsmStore::create(*backend, "ed", "ed25519"), Errc::token_failed);
    CHECK_RAISES(import(*backend, Botan::Ed25519_PrivateKey(Botan::system_rng()), "ed"), Errc::malformed_data);
    CHECK(store.objects() == 0);
    static_cast<void>(HsmStore::create(*backend, "p-256"));
    static_cast<void>(HsmStore::create(*open(store, "ed25519-parameters", R"("1.3.101.112")"), "ed", "ed25519"));
}

TEST_CASE("public keys are private where the token has them so, and are found all the same") {
    const HsmStore store;
    const auto backend = open(store, "public-keys-private", "true");
    const auto made = HsmStore::create(*backend, "made").ref;
    const auto imported = import(*backend, *test::software_key(), "imported");
    for(const auto* const label : {"made", "imported"}) {
        CHECK(attribute(store, CKO_PUBLIC_KEY, label, CKA_PRIVATE) == yes);
    }
    CHECK(test::signs(*store.open()->use(made, {})));
    CHECK(test::signs(*store.open()->use(imported, {})));
}

TEST_CASE("a token that shows public keys by itself is given the private one alone") {
    const HsmStore store;
    const auto backend = open(store, "import-private-only", "true");
    // SoftHSM shows the public key in the private one's values, of RSA keys.
    const Botan::RSA_PrivateKey rsa(Botan::system_rng(), 2048);
    const auto ref = import(*backend, rsa, "rsa");
    CHECK(store.objects() == 1);
    CHECK(SpkiFingerprint::of(*store.open()->use(ref, {})) == SpkiFingerprint::of(rsa));
    // Of others it does not: nobody could tell which key it is.
    CHECK_RAISES(import(*backend, *test::software_key(), "ec"), Errc::key_not_found);
    CHECK(store.objects() == 1);
}

TEST_CASE("keys that only others may make are refused at once, with the tool that makes them") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "theirs").ref;
    for(const auto* const name : {"own-tools-make-keys", "security-officer-makes-keys"}) {
        INFO(name);
        const auto backend = open(store, name, R"("their tool")");
        store.fault().reset_counters();
        for(const auto& error : {test::raised([&] { return HsmStore::create(*backend, "ours"); }),
                                 test::raised([&] { return import(*backend, *test::software_key(), "ours"); })}) {
            CHECK(error.code() == Errc::unsupported);
            CHECK(error.hint().find("make it by their tool") != std::string::npos);
            CHECK(error.hint().find("keyway key adopt") != std::string::npos);
        }
        CHECK(store.fault().calls("C_Login") == 0);
        CHECK(store.fault().calls("C_GenerateKeyPair") == 0);
        CHECK(store.fault().calls("C_CreateObject") == 0);
        CHECK(test::signs(*backend->use(ref, {})));
    }
    const auto backend = open(store, "security-officer-makes-keys", R"("their tool")");
    const auto error = test::raised([&] {
        dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
        return 0;
    });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.hint().find("their tool") != std::string::npos);
    CHECK(store.objects() == 2);
}
