// SPDX-License-Identifier: BSD-2-Clause
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <botan/der_enc.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

#include <fstream>
#include <thread>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

auto& rng() {
    return Botan::system_rng();
}

bool signs(const Botan::Private_Key& key, const std::string& padding = "SHA-256") {
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(key, rng(), padding).sign_message(message, rng());
    return Botan::PK_Verifier(*key.public_key(), padding).verify_message(message, signature);
}

/// The flags that a private key has in the token.
std::vector<std::string> flags_of(const HsmStore::Direct& direct, std::string_view label) {
    const auto object = direct.find(CKO_PRIVATE_KEY, label).at(0);
    const std::pair<const char*, CK_ATTRIBUTE_TYPE> all[] = {
        {"token", CKA_TOKEN},         {"private", CKA_PRIVATE}, {"sensitive", CKA_SENSITIVE},
        {"extractable", CKA_EXTRACTABLE}, {"sign", CKA_SIGN},   {"decrypt", CKA_DECRYPT},
        {"unwrap", CKA_UNWRAP},       {"derive", CKA_DERIVE},   {"sign recover", CKA_SIGN_RECOVER}};
    std::vector<std::string> out;
    for(const auto& [name, type] : all) {
        if(pkcs11::read_flag(direct.session(), object, type).value()) {
            out.emplace_back(name);
        }
    }
    return out;
}

const std::vector<std::string> sign_only{"token", "private", "sensitive", "sign"};

}  // namespace

TEST_CASE("created and imported private keys are sensitive, stay in the token and can only sign") {
    const HsmStore store;
    const auto backend = store.open();
    for(const auto* kind : {"rsa-2048", "p-256", "ed25519"}) {
        static_cast<void>(HsmStore::create(*backend, kind, kind));
        CHECK(flags_of(HsmStore::Direct(store), kind) == sign_only);
    }
    static_cast<void>(backend->store(Botan::RSA_PrivateKey(rng(), 2048), HsmStore::options(Phase::store, {{"label", "i"}})));
    static_cast<void>(backend->store(Botan::ECDSA_PrivateKey(rng(), Botan::EC_Group::from_name("secp256r1")),
                                     HsmStore::options(Phase::store, {{"label", "j"}})));
    CHECK(flags_of(HsmStore::Direct(store), "i") == sign_only);
    CHECK(flags_of(HsmStore::Direct(store), "j") == sign_only);
}

TEST_CASE("usages and extractability are given as asked for, and no more") {
    const HsmStore store;
    const auto backend = store.open();
    const auto spec = KeySpec::rsa(2048);
    static_cast<void>(backend->create(
        spec, HsmStore::options(Phase::create, {{"label", "a"}, {"usage", "sign,decrypt"}, {"extractable", "true"}})));
    CHECK(flags_of(HsmStore::Direct(store), "a") ==
          std::vector<std::string>{"token", "private", "sensitive", "extractable", "sign", "decrypt"});

    static_cast<void>(backend->create(spec, HsmStore::options(Phase::create, {{"label", "b"}, {"usage", "unwrap"}})));
    CHECK(flags_of(HsmStore::Direct(store), "b") == std::vector<std::string>{"token", "private", "sensitive", "unwrap"});

    const auto before = store.objects();
    CHECK_RAISES(backend->create(spec, HsmStore::options(Phase::create, {{"label", "c"}, {"usage", "sing"}})),
                 Errc::invalid_option);
    CHECK(store.objects() == before);
}

TEST_CASE("the id of a key is given, or chosen as raw bytes") {
    const HsmStore store;
    const auto backend = store.open();
    const auto id_of = [&](test::Texts more) {
        auto made = backend->create(KeySpec::parse("p-256"), HsmStore::options(Phase::create, more));
        return made.ref.locator().find("id").value();
    };
    CHECK(id_of({{"label", "a"}, {"id", "0A01"}}) == "0a01");
    CHECK(id_of({{"label", "b"}}).size() == 40);
    for(const auto* bad : {"", "0", "xy", "0x01"}) {
        CHECK_RAISES(id_of({{"label", "c"}, {"id", bad}}), Errc::invalid_option);
    }
}

TEST_CASE("an id in use is refused, as the two keys could not be told apart") {
    const HsmStore store;
    const auto backend = store.open();
    const Botan::ECDSA_PrivateKey source(rng(), Botan::EC_Group::from_name("secp256r1"));
    const auto store_as = [&](std::string_view label) {
        return backend->store(source, HsmStore::options(Phase::store, {{"label", label}}));
    };
    const auto ref = store_as("first");
    CHECK_RAISES(store_as("second"), Errc::already_exists);
    const auto id = ref.locator().find("id").value();
    CHECK_RAISES(backend->create(KeySpec::parse("p-256"), HsmStore::options(Phase::create, {{"label", "c"}, {"id", id}})),
                 Errc::already_exists);
    CHECK(store.objects() == 2);
    CHECK(signs(*backend->use(ref, {})));
}

TEST_CASE("removing one of two keys that another program put under one id leaves the other whole") {
    const HsmStore store;
    const auto backend = store.open();
    const Botan::ECDSA_PrivateKey source(rng(), Botan::EC_Group::from_name("secp256r1"));
    const auto first = backend->store(source, HsmStore::options(Phase::store, {{"label", "first"}}));
    const auto second =
        backend->store(source, HsmStore::options(Phase::store, {{"label", "second"}, {"id", "02"}}));
    {
        const HsmStore::Direct direct(store);
        const auto id = Botan::hex_decode(first.locator().find("id").value());
        for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
            direct.set(direct.find(object_class, "second").at(0), CKA_ID, std::string(id.begin(), id.end()));
        }
    }
    dynamic_cast<KeyRemover&>(*backend).remove(first, {});
    CHECK_RAISES(backend->use(first, {}), Errc::key_not_found);
    const KeyRef moved(second.backend(), "hsm", second.key(), second.fingerprint(), KeyLocator().set("label", "second"));
    CHECK(signs(*backend->use(moved, {})));
}

TEST_CASE("two private keys under one label are not guessed between") {
    const HsmStore store;
    const auto backend = store.open();
    const auto first = HsmStore::create(*backend, "first").ref;
    const auto second = HsmStore::create(*backend, "second").ref;
    {
        const HsmStore::Direct direct(store);
        for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
            direct.set(direct.find(object_class, "second").at(0), CKA_LABEL, "first");
        }
    }
    const KeyRef by_label(first.backend(), "hsm", first.key(), first.fingerprint(), KeyLocator().set("label", "first"));
    const auto error = test::raised([&] { return backend->use(by_label, {}); });
    CHECK(error.code() == Errc::key_ambiguous);
    CHECK(error.message() == "token \"" + store.token().label() + "\" has 2 private keys with label \"first\"");
    CHECK(error.hint().find(first.locator().find("id").value()) != std::string::npos);
    CHECK(error.hint().find(second.locator().find("id").value()) != std::string::npos);
    CHECK(signs(*backend->use(first, {})));  // its id still tells it apart
}

TEST_CASE("a key that was swapped for another under the same id and label is refused") {
    const HsmStore store;
    const auto backend = store.open();
    const auto good = HsmStore::create(*backend, "good").ref;
    const auto evil = HsmStore::create(*backend, "evil").ref;
    {
        const HsmStore::Direct direct(store);
        const auto take_place = [&](CK_OBJECT_CLASS object_class) {
            direct.session().calls().C_DestroyObject(direct.session().handle(), direct.find(object_class, "good").at(0));
            const auto object = direct.find(object_class, "evil").at(0);
            const auto id = Botan::hex_decode(good.locator().find("id").value());
            direct.set(object, CKA_ID, std::string(id.begin(), id.end()));
            direct.set(object, CKA_LABEL, "good");
        };
        take_place(CKO_PRIVATE_KEY);
        SECTION("private object only: the signature gives it away") {
            CHECK_RAISES(signs(*backend->use(good, {})), Errc::verification_failed);
        }
        SECTION("both objects: the fingerprint gives it away") {
            take_place(CKO_PUBLIC_KEY);
            const auto error = test::raised([&] { return backend->use(good, {}); });
            CHECK(error.code() == Errc::key_mismatch);
            CHECK(error.message().find(good.fingerprint().to_string()) != std::string::npos);
            CHECK(error.message().find(evil.fingerprint().to_string()) != std::string::npos);
        }
    }
}

TEST_CASE("a public point is read in both forms that tokens keep") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    {
        const HsmStore::Direct direct(store);
        const auto old = direct.find(CKO_PUBLIC_KEY, "root").at(0);
        const auto der = pkcs11::read_attribute(direct.session(), old, CKA_EC_POINT).value();
        REQUIRE(der.size() == 67);
        const auto id = pkcs11::read_attribute(direct.session(), old, CKA_ID).value();
        const auto parameters = pkcs11::read_attribute(direct.session(), old, CKA_EC_PARAMS).value();
        REQUIRE(direct.session().calls().C_DestroyObject(direct.session().handle(), old) == CKR_OK);
        pkcs11::Template bare;
        bare.add_number(CKA_CLASS, CKO_PUBLIC_KEY).add_number(CKA_KEY_TYPE, CKK_EC).add_yes(CKA_TOKEN).add(CKA_ID, id);
        bare.add_text(CKA_LABEL, "root").add(CKA_EC_PARAMS, parameters).add(CKA_EC_POINT, std::span(der).subspan(2));
        CK_OBJECT_HANDLE object = 0;
        REQUIRE(direct.session().calls().C_CreateObject(direct.session().handle(), bare.data(), bare.size(), &object) ==
                CKR_OK);
    }
    CHECK(signs(*backend->use(made.ref, {})));
}

TEST_CASE("a private key whose public object is gone is told, not guessed") {
    const HsmStore store;
    const auto backend = store.open();
    const auto made = HsmStore::create(*backend, "root");
    {
        const HsmStore::Direct direct(store);
        direct.session().calls().C_DestroyObject(direct.session().handle(), direct.find(CKO_PUBLIC_KEY, "root").at(0));
    }
    CHECK(backend->check(made.ref, {}).value().code() == Errc::key_not_found);
}

TEST_CASE("a token is found by label, serial or URI, and only when one fits") {
    const HsmStore store;
    const auto made = HsmStore::create(*store.open(), "root");
    const auto& token = store.token();
    CHECK(signs(*store.open({{"token-label", ""}, {"token-serial", token.serial()}})->use(made.ref, {})));
    CHECK(signs(*store.open({{"token-label", ""}, {"token-uri", token.uri()}})->use(made.ref, {})));
    const auto with_pin = token.uri() + "?pin-source=file:" + token.user_pin_file().string();
    CHECK(signs(*store.open({{"token-label", ""}, {"user-pin", ""}, {"token-uri", with_pin}})->use(made.ref, {})));
    const auto everything = "pkcs11:token=" + token.label() + "?module-path=" + store.module();
    CHECK(signs(*store.open({{"module", ""}, {"token-label", ""}, {"token-uri", everything}})->use(made.ref, {})));

    const auto missing = test::raised([&] { return store.open({{"token-label", "elsewhere"}})->use(made.ref, {}); });
    CHECK(missing.code() == Errc::token_not_found);
    CHECK(missing.message() == "module \"" + store.module() + "\" has no token with label \"elsewhere\"");
    CHECK(missing.hint() == "there are: \"" + token.label() + "\" (serial " + token.serial() + ")");
    CHECK_RAISES(store.open({{"token-serial", "0123456789abcdef"}})->use(made.ref, {}), Errc::token_not_found);
}

TEST_CASE("two tokens of one label are told apart by serial only") {
    const HsmStore store;
    store.token().store().add_token({.label = store.token().label()});
    const auto error = test::raised([&] { return HsmStore::create(*store.open(), "root"); });
    CHECK(error.code() == Errc::token_ambiguous);
    CHECK(error.hint().find(store.token().serial()) != std::string::npos);
    CHECK(error.hint().find(store.token().store().tokens().back().serial) != std::string::npos);
    const auto backend = store.open({{"token-serial", store.token().serial()}});
    CHECK(signs(*backend->use(HsmStore::create(*backend, "root").ref, {})));
}

TEST_CASE("settings that do not say which module or token are refused") {
    const HsmStore store;
    CHECK_RAISES(store.open({{"module", ""}}), Errc::invalid_option);
    CHECK_RAISES(store.open({{"token-label", ""}}), Errc::invalid_option);
    CHECK_RAISES(store.open({{"token-uri", "pkcs11:token=other"}}), Errc::invalid_option);
    CHECK_RAISES(store.open({{"token-uri", "hello"}}), Errc::invalid_argument);
    for(const auto* bad : {"0", "10001", "18446744073709551615"}) {
        CHECK_RAISES(store.open({{"max-sessions", bad}}), Errc::invalid_option);
    }
    CHECK_RAISES(store.open({{"session-wait-ms", "18446744073709551615"}}), Errc::invalid_option);
    CHECK_RAISES(HsmStore::create(*store.open({{"module", "/nonexistent.so"}}), "a"), Errc::token_not_found);
    CHECK_RAISES(HsmStore::create(*store.open({{"module", "no-such-module"}}), "a"), Errc::token_not_found);
    CHECK_RAISES(HsmStore::create(*store.open({{"module", "/etc/passwd"}}), "a"), Errc::token_not_found);
}

TEST_CASE("without a PIN's source, or with one that cannot be read, nothing is tried") {
    const HsmStore store;
    const auto made = HsmStore::create(*store.open(), "root");
    CHECK_RAISES(store.open({{"user-pin", ""}})->use(made.ref, {}), Errc::secret_unavailable);
    CHECK_RAISES(store.open({{"user-pin", "file:/nonexistent"}})->use(made.ref, {}), Errc::secret_unavailable);
    CHECK_RAISES(store.open({{"user-pin", "env:UNSET"}})->use(made.ref, {}), Errc::secret_unavailable);
    const auto call = HsmStore::options(Phase::use, {{"user-pin", "file:" + store.token().user_pin_file().string()}});
    CHECK(signs(*store.open({{"user-pin", ""}})->use(made.ref, call)));
}

TEST_CASE("a key in a token shows no private part and cannot be stored elsewhere") {
    const HsmStore store;
    const auto backend = store.open();
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    CHECK_RAISES(key->private_key_bits(), Errc::unsupported);
    CHECK_RAISES(key->private_key_info(), Errc::unsupported);
    const auto before = store.objects();
    CHECK_RAISES(backend->store(*key, HsmStore::options(Phase::store, {{"label", "copy"}})), Errc::unsupported);
    CHECK(store.objects() == before);
}

TEST_CASE("paddings that the token cannot do rightly are refused") {
    const HsmStore store;
    const auto backend = store.open();
    const auto rsa = backend->use(HsmStore::create(*backend, "rsa", "rsa-2048").ref, {});
    const auto ec = backend->use(HsmStore::create(*backend, "ec").ref, {});
    const auto ed = backend->use(HsmStore::create(*backend, "ed", "ed25519").ref, {});
    for(const auto* padding : {"", "Raw", "PKCS1v15", "PKCS1v15(MD5)", "PSS(SHA-256,MGF2,32)", "PSS(SHA-256,MGF1,x)",
                               "PSS(SHA-256,MGF1,300)", "SHA-256", "PSS(", "PSS()"}) {
        INFO(padding);
        CHECK_RAISES(signs(*rsa, padding), Errc::unsupported);
    }
    CHECK_RAISES(signs(*ec, "PSS(SHA-256)"), Errc::unsupported);
    // SoftHSM takes the parameters of pre-hashed EdDSA and ignores them.
    CHECK_RAISES(signs(*ed, "Ed25519ph"), Errc::unsupported);
    CHECK_RAISES(signs(*ed, "SHA-512"), Errc::unsupported);
}

TEST_CASE("one session serves many threads, and waiting for it has an end", "[threads]") {
    const HsmStore store;
    const auto backend = store.open({{"max-sessions", "1"}});
    const auto made = HsmStore::create(*backend, "root");
    const auto key = backend->use(made.ref, {});
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for(int i = 0; i < 10; ++i) {
                    good += signs(*key) ? 1 : 0;
                }
            });
        }
    }
    CHECK(good == 40);

    const auto module = pkcs11::Module::open(store.module());
    pkcs11::SessionPool pool(module, module->tokens().at(0).slot,
                             {.most_sessions = 1, .patience = std::chrono::milliseconds(20)});
    const pkcs11::Deadline deadline(std::chrono::seconds(10));
    std::optional<pkcs11::SessionPool::Loan> held;
    REQUIRE(pool.borrow(deadline, held) == CKR_OK);
    std::optional<pkcs11::SessionPool::Loan> another;
    CHECK_RAISES(pool.borrow(deadline, another), Errc::timed_out);
    held.reset();
    CHECK(pool.borrow(deadline, another) == CKR_OK);
    CHECK(pool.usage().opened == 1);
}
