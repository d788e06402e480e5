// SPDX-License-Identifier: BSD-2-Clause
// Signing by a token's quirks, and with copies of keys: what the settings say of a token is what is done with it.
#include <backends/hsm/hsm_store.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <support/raises.hpp>

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <fstream>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;

bool signs(const Botan::Private_Key& key, const std::string& padding, std::size_t bytes = 10) {
    auto& rng = Botan::system_rng();
    const std::vector<std::uint8_t> message(bytes, 7);
    const auto signature = Botan::PK_Signer(key, rng, padding).sign_message(message, rng);
    return Botan::PK_Verifier(*key.public_key(), padding).verify_message(message, signature);
}

/// A profile with these quirks, in a file.
std::string profile(const HsmStore& store, const std::string& quirks) {
    const auto path = store.token().directory() / "profile.json";
    std::ofstream(path) << R"({"name": "tested", "summary": "a token of the tests", "quirks": [)" << quirks << "]}";
    return path.string();
}

std::string quirk(const std::string& name, const std::string& value) {
    return R"({")" + name + R"(": )" + value + R"(, "reason": "the test says so", "source": "measured"})";
}

}  // namespace

TEST_CASE("a token that hashes by itself gets the message, and is verified all the same") {
    const HsmStore store(faulty);
    const auto rsa = HsmStore::create(*store.open(), "rsa", "rsa-2048").ref;
    store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS", "CKM_RSA_PKCS_PSS"]})");
    const auto plain = store.open()->use(rsa, {});
    CHECK_RAISES(signs(*plain, "PKCS1v15(SHA-256)"), Errc::unsupported);

    const auto backend = store.open({{"quirks", profile(store, quirk("hash-in-token", "true"))}});
    const auto key = backend->use(rsa, {});
    for(const auto* padding : {"PKCS1v15(SHA-256)", "PKCS1v15(SHA-512)", "PSS(SHA-256,MGF1,32)"}) {
        INFO(padding);
        CHECK(signs(*key, padding));
    }
    // One operation for several messages.
    auto& rng = Botan::system_rng();
    Botan::PK_Signer signer(*key, rng, "PKCS1v15(SHA-256)");
    Botan::PK_Verifier verifier(*key->public_key(), "PKCS1v15(SHA-256)");
    for(const int number : {1, 2, 3}) {
        const std::vector<std::uint8_t> message(100, static_cast<std::uint8_t>(number));
        CHECK(verifier.verify_message(message, signer.sign_message(message, rng)));
    }
}

TEST_CASE("what is over a token's limit goes to it in parts") {
    const HsmStore store(faulty);
    const auto rsa = HsmStore::create(*store.open(), "rsa", "rsa-2048").ref;
    store.fault().inject(R"({"fault": "data-limit", "bytes": 1000, "function": ["C_Sign", "C_SignUpdate"]})");
    const auto backend = store.open(
        {{"quirks", profile(store, quirk("hash-in-token", "true") + ", " + quirk("data-limits", R"({"*": 1000})"))}});
    const auto key = backend->use(rsa, {});
    for(const std::size_t bytes : {0U, 1U, 999U, 1000U, 1001U, 2000U, 25'000U}) {
        INFO(bytes << " bytes");
        CHECK(signs(*key, "PKCS1v15(SHA-256)", bytes));
    }
}

TEST_CASE("a digest longer than the curve's order is cut before it goes to the token") {
    // As ykcs11 has it (ecdsa-digest-fits-curve); done for all, as it changes no signature.
    const HsmStore store(faulty);
    const auto p256 = HsmStore::create(*store.open(), "p-256").ref;
    const auto p384 = HsmStore::create(*store.open(), "p-384", "p-384").ref;
    const auto fits = [&](const KeyRef& ref, int bytes) {
        store.fault().clear();
        store.fault().inject(R"({"fault": "data-limit", "function": "C_Sign", "bytes": )" + std::to_string(bytes) + "}");
        for(const auto* const hash : {"SHA-256", "SHA-384", "SHA-512"}) {
            INFO(hash);
            CHECK(signs(*store.open()->use(ref, {}), hash));
        }
    };
    fits(p256, 32);
    fits(p384, 48);
}

TEST_CASE("a message that EdDSA cannot have in one part is refused with the limit") {
    const HsmStore store;
    const auto ref = HsmStore::create(*store.open(), "ed", "ed25519").ref;
    const auto backend = store.open({{"quirks", profile(store, quirk("data-limits", R"({"CKM_EDDSA": 1000})"))}});
    const auto key = backend->use(ref, {});
    CHECK(signs(*key, "Pure", 1000));
    const auto error = test::raised([&] { return signs(*key, "Pure", 1001); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("1001 bytes") != std::string::npos);
    CHECK(error.message().find("takes 1000 at once") != std::string::npos);
    CHECK(signs(*key, "Pure", 1000));
}

TEST_CASE("a mechanism that is to be avoided is replaced, or refused with the profile's name") {
    const HsmStore store;
    const auto rsa = HsmStore::create(*store.open(), "rsa", "rsa-2048").ref;
    const auto ec = HsmStore::create(*store.open(), "ec").ref;
    const auto backend = store.open(
        {{"quirks", profile(store, quirk("avoid-mechanisms", R"(["CKM_RSA_PKCS", "CKM_ECDSA", "CKM_ECDSA_SHA256"])"))}});
    CHECK(signs(*backend->use(rsa, {}), "PKCS1v15(SHA-256)"));
    const auto error = test::raised([&] { return signs(*backend->use(ec, {}), "SHA-256"); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("\"tested\"") != std::string::npos);
}

TEST_CASE("an error that passes by a token's profile is tried again, and is one without") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const auto fails_twice = [&] {
        store.fault().inject(R"({"fault": "return", "function": "C_SignInit", "rv": "CKR_FUNCTION_REJECTED", "times": 2})");
    };
    const auto plain = store.open()->use(ref, {});
    fails_twice();
    CHECK_RAISES(signs(*plain, "SHA-256"), Errc::token_failed);
    store.fault().clear();
    const auto backend = store.open({{"quirks", profile(store, quirk("passing-errors", R"(["CKR_FUNCTION_REJECTED"])"))}});
    const auto key = backend->use(ref, {});
    fails_twice();
    CHECK(signs(*key, "SHA-256"));
}

TEST_CASE("no profile of that name is an error with the known ones") {
    const HsmStore store;
    const auto error = test::raised([&] { return HsmStore::create(*store.open({{"quirks", "softhsm"}}), "root"); });
    CHECK(error.code() == Errc::invalid_option);
    CHECK((error.message() + error.hint()).find("softhsm2") != std::string::npos);
    CHECK_NOTHROW(HsmStore::create(*store.open({{"quirks", "none"}}), "root"));
}

TEST_CASE("keys sign by copies where that is asked for, and by themselves where the token makes none") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    store.fault().reset_counters();
    CHECK(signs(*store.open()->use(ref, {}), "SHA-256"));
    CHECK(store.fault().calls("C_CopyObject") == 0);

    const auto backend = store.open({{"session-copies", "true"}});
    const auto key = backend->use(ref, {});
    CHECK(store.fault().calls("C_CopyObject") == 1);
    CHECK(signs(*key, "SHA-256"));
    CHECK(signs(*key, "SHA-256"));
    CHECK(store.fault().calls("C_CopyObject") == 1);
    store.fault().inject(R"({"fault": "logged-out"})");
    CHECK(signs(*key, "SHA-256"));
    CHECK(store.fault().calls("C_CopyObject") == 2);
    store.fault().inject(R"({"fault": "session-lost", "sessions": "all"})");
    CHECK(signs(*key, "SHA-256"));

    store.fault().inject(R"({"fault": "return", "function": "C_CopyObject", "rv": "CKR_FUNCTION_NOT_SUPPORTED", "every": 1})");
    store.fault().reset_counters();
    const auto none = store.open({{"session-copies", "true"}});
    CHECK(signs(*none->use(ref, {}), "SHA-256"));
    CHECK(signs(*none->use(ref, {}), "SHA-256"));
    CHECK(store.fault().calls("C_CopyObject") == 1);
    CHECK(store.objects() == 2);
}
