// SPDX-License-Identifier: BSD-2-Clause
// RSA keys in a token decrypt: by raw RSA with the padding taken off here, or by the token's own mechanisms.
#include <backends/hsm/hsm_store.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <support/raises.hpp>

#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

using namespace keyway;
using keyway::test::HsmStore;
using Bytes = std::vector<std::uint8_t>;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;
constexpr std::string_view no_raw_rsa = R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_X_509"]})";
const Bytes message{1, 2, 3, 4, 5};

auto& rng() {
    return Botan::system_rng();
}

KeyRef make_key(KeyBackend& backend, std::string_view label, test::Texts more = {{"usage", "decrypt"}}) {
    std::vector<std::pair<std::string_view, std::string_view>> all(more);
    RawOptions raw{{"label", RawOption{.value = std::string(label), .form = RawOption::Form::text, .origin = {}}}};
    for(const auto& [name, value] : all) {
        raw.emplace(name, RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}});
    }
    return backend.create(KeySpec::rsa(2048), OptionValues::check(*hsm_backend().options, Phase::create, raw, "the test")).ref;
}

Bytes encrypt(const Botan::Private_Key& key, std::string_view padding) {
    return Botan::PK_Encryptor_EME(*key.public_key(), rng(), padding).encrypt(message, rng());
}

Bytes decrypt(const Botan::Private_Key& key, std::string_view padding, const Bytes& ciphertext) {
    const auto out = Botan::PK_Decryptor_EME(key, rng(), padding).decrypt(ciphertext);
    return {out.begin(), out.end()};
}

bool decrypts(const Botan::Private_Key& key, std::string_view padding) {
    return decrypt(key, padding, encrypt(key, padding)) == message;
}

}  // namespace

TEST_CASE("a key in a token decrypts what was encrypted for it, with every padding") {
    const HsmStore store;
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "d"), {});
    CHECK(key->supports_operation(Botan::PublicKeyOperation::Encryption));
    CHECK_FALSE(key->supports_operation(Botan::PublicKeyOperation::Signature));
    for(const auto* const padding : {"PKCS1v15", "OAEP(SHA-1)", "OAEP(SHA-256)", "OAEP(SHA-512)", "OAEP(SHA-256,MGF1(SHA-1))",
                                     "OAEP(SHA-256,MGF1,label)"}) {
        INFO(padding);
        CHECK(decrypts(*key, padding));
        // The key as the public key that it is as well.
        CHECK(decrypt(*key, padding, Botan::PK_Encryptor_EME(*key, rng(), padding).encrypt(message, rng())) == message);
    }
    const Botan::PK_Decryptor_EME several(*key, rng(), "OAEP(SHA-256)");
    for(int i = 0; i < 3; ++i) {
        const auto out = several.decrypt(encrypt(*key, "OAEP(SHA-256)"));
        CHECK(Bytes(out.begin(), out.end()) == message);
    }
    CHECK_RAISES(Botan::PK_Decryptor_EME(*key, rng(), "OAEP(SHA-256,MGF2)"), Errc::unsupported);
}

TEST_CASE("the token takes the padding off where it has no raw RSA, with the hashes that it has") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    store.fault().inject(no_raw_rsa);
    const auto key = backend->use(make_key(*backend, "d"), {});
    CHECK(decrypts(*key, "PKCS1v15"));
    CHECK(decrypts(*key, "OAEP(SHA-1)"));
    const auto error = test::raised([&] { return decrypts(*key, "OAEP(SHA-256)"); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("cannot decrypt with \"OAEP(SHA-256)\"") != std::string::npos);

    store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS_OAEP", "CKM_RSA_PKCS"]})");
    store.fault().reset_counters();
    CHECK_RAISES(Botan::PK_Decryptor_EME(*key, rng(), "OAEP(SHA-1)"), Errc::unsupported);
    CHECK_RAISES(Botan::PK_Decryptor_EME(*key, rng(), "PKCS1v15"), Errc::unsupported);
    CHECK(store.fault().calls("C_DecryptInit") == 0);
}

TEST_CASE("a wrong ciphertext is one error, whatever is wrong with it, and no fault of the token") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "d"), {});
    const auto encrypt_block = [&](Bytes block) {
        return Botan::PK_Encryptor_EME(*key->public_key(), rng(), "Raw").encrypt(block, rng());
    };
    Bytes no_end(255, 0x55);
    no_end[0] = 2;
    auto wrong_type = no_end;
    wrong_type[0] = 1;
    wrong_type[100] = 0;
    auto early_end = no_end;
    early_end[4] = 0;
    for(const bool raw : {true, false}) {
        INFO(raw);
        if(!raw) {
            store.fault().inject(no_raw_rsa);
        }
        const Botan::PK_Decryptor_EME decryptor(*key, rng(), "PKCS1v15");
        CHECK(decryptor.decrypt(encrypt(*key, "PKCS1v15")).size() == message.size());
        store.fault().reset_counters();
        std::vector<std::string> seen;
        for(const auto& ciphertext : {encrypt_block(no_end), encrypt_block(wrong_type), encrypt_block(early_end), Bytes(256, 0xff),
                                      Bytes(257, 1), Bytes{}, encrypt(*key, "OAEP(SHA-1)")}) {
            try {
                static_cast<void>(decryptor.decrypt(ciphertext));
                seen.emplace_back("no error");
            } catch(const Botan::Decoding_Error& error) {
                seen.emplace_back(error.what());
            }
        }
        CHECK(seen == std::vector(seen.size(), seen.front()));
        CHECK(seen.front().find("Invalid public key ciphertext") != std::string::npos);
        // Nothing is tried again: what takes longer tells as much as what is said.
        CHECK(store.fault().calls("C_DecryptInit") == 5);
        CHECK(hsm_counters(*backend)->failures.empty());
        // What is handed out instead is of the length that was expected.
        CHECK(decryptor.decrypt_or_random(encrypt_block(no_end).data(), 256, 48, rng()).size() == 48);
        CHECK(decryptor.decrypt(encrypt(*key, "PKCS1v15")).size() == message.size());
    }
}

TEST_CASE("decryption goes on through what a token does on a bad day") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "d"), {});
    for(const auto* const fault : {R"({"fault": "session-lost", "function": "C_Decrypt", "sessions": "all"})",
                                   R"({"fault": "logged-out", "function": "C_DecryptInit"})",
                                   R"({"fault": "handles-renumbered", "function": "C_DecryptInit"})",
                                   R"({"fault": "return", "function": "C_Decrypt", "rv": "CKR_DEVICE_ERROR", "times": 1})",
                                   R"({"fault": "device-removed", "function": "C_DecryptInit", "ms": 50})"}) {
        INFO(fault);
        store.fault().inject(fault);
        CHECK(decrypts(*key, "OAEP(SHA-256)"));
        CHECK(decrypts(*key, "PKCS1v15"));
    }
}

TEST_CASE("what another key decrypts is not handed out") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto ref = make_key(*backend, "d");
    static_cast<void>(make_key(*backend, "other"));
    for(const bool raw : {true, false}) {
        INFO(raw);
        store.fault().clear();
        if(!raw) {
            store.fault().inject(no_raw_rsa);
        }
        const auto key = backend->use(ref, {});
        // At the first use the handle is another key's, unnoticed.
        store.fault().inject(R"({"fault": "handles-renumbered", "function": "C_DecryptInit", "reused": true, "at": 1})");
        const auto before = hsm_counters(*backend)->verified;
        CHECK(decrypts(*key, "OAEP(SHA-1)"));
        CHECK(hsm_counters(*backend)->verified == before + 1);
        CHECK(decrypts(*key, "OAEP(SHA-1)"));
        CHECK(hsm_counters(*backend)->verified == before + 1);
    }
}

TEST_CASE("a key that may not decrypt says so, and so does one of another kind") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "s", {{"usage", "sign"}}), {});
    CHECK_FALSE(key->supports_operation(Botan::PublicKeyOperation::Encryption));
    store.fault().reset_counters();
    const auto error = test::raised([&] { return Botan::PK_Decryptor_EME(*key, rng(), "OAEP(SHA-256)"); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("may not decrypt: it was made without that usage (CKA_DECRYPT)") != std::string::npos);
    CHECK(store.fault().calls("C_DecryptInit") == 0);
    const auto ec = backend->use(HsmStore::create(*backend, "ec").ref, {});
    CHECK_FALSE(ec->supports_operation(Botan::PublicKeyOperation::Encryption));
    CHECK_RAISES(Botan::PK_Decryptor_EME(*ec, rng(), "OAEP(SHA-256)"), Errc::unsupported);
}

TEST_CASE("each decryption of a key with CKA_ALWAYS_AUTHENTICATE shows the PIN") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "d", {{"usage", "decrypt"}, {"always-authenticate", "true"}}), {});
    store.fault().reset_counters();
    CHECK(decrypts(*key, "OAEP(SHA-256)"));
    CHECK(decrypts(*key, "OAEP(SHA-256)"));
    CHECK(store.fault().calls("C_Login") == 2);
}

TEST_CASE("an observer is told of decryptions, the same for right and wrong ciphertexts") {
    struct Seen {
        std::string operation;
        bool verified;
        bool failed;
        bool operator==(const Seen&) const = default;
    };
    std::vector<Seen> seen;
    BackendContext context;
    context.observer = [&](const KeyUse& use) {
        seen.push_back({std::string(use.operation), use.verified, use.error != nullptr});
    };
    const HsmStore store;
    const auto backend = store.open({}, context);
    const auto key = backend->use(make_key(*backend, "d"), {});
    CHECK(decrypts(*key, "OAEP(SHA-256)"));
    CHECK(decrypts(*key, "OAEP(SHA-256)"));
    CHECK_THROWS_AS(decrypt(*key, "OAEP(SHA-256)", Bytes(256, 1)), Botan::Decoding_Error);
    CHECK(seen == std::vector<Seen>{{"decrypt", true, false}, {"decrypt", false, false}, {"decrypt", false, false}});
}
