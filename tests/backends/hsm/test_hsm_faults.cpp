// SPDX-License-Identifier: BSD-2-Clause
// What a token does only on a bad day, made to happen by a module that stands before SoftHSM.
#include <backends/hsm/fault_support.hpp>
#include <backends/hsm/hsm_store.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <support/raises.hpp>

#include <botan/ecdsa.h>
#include <botan/ec_group.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <atomic>
#include <functional>
#include <thread>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;

bool signs(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    const std::vector<std::uint8_t> message{1, 2, 3};
    const auto signature = Botan::PK_Signer(key, rng, "SHA-256").sign_message(message, rng);
    return Botan::PK_Verifier(*key.public_key(), "SHA-256").verify_message(message, signature);
}

KeyRef store_a_key(KeyBackend& backend) {
    const Botan::ECDSA_PrivateKey key(Botan::system_rng(), Botan::EC_Group::from_name("secp256r1"));
    return backend.store(key, HsmStore::options(Phase::store, {{"label", "imported"}}));
}

}  // namespace

TEST_CASE("a rejected PIN goes to the token once, whoever asks again", "[threads]") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const auto wrong = store.wrong_pin_source();
    const auto backend = store.open({{"user-pin", wrong}});
    store.fault().reset_counters();

    const auto first = test::raised([&] { return backend->use(ref, {}); });
    CHECK(first.code() == Errc::pin_incorrect);
    CHECK(first.return_value() == "CKR_PIN_INCORRECT");
    CHECK(first.message() ==
          "the user PIN of token \"" + store.token().label() + "\" is wrong; it was tried once and is not tried again");
    CHECK(first.hint() == "the token counts wrong tries and does not say how many are left; when it is corrected, show that it is "
                          "right: keyway token login --backend hsm --user-pin SOURCE");
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 4; ++i) {
            threads.emplace_back([&] { static_cast<void>(backend->check(ref, {})); });
        }
    }
    const auto again = store.open({{"user-pin", wrong}})->check(ref, {});
    CHECK(again.value().code() == Errc::pin_incorrect);
    CHECK(store.fault().calls("C_Login") == 1);

    // The right one is another PIN; but a program that starts anew knows nothing of the wrong one, only the token does.
    const auto unattended = store.open()->check(ref, {});
    CHECK(unattended.value().code() == Errc::pin_locked);
    CHECK(unattended->hint().find("keyway token login") != std::string::npos);
    CHECK(store.fault().calls("C_Login") == 1);
    // A person who is asked may say so.
    pkcs11::log_in_once({store.module(), {}}, {.label = store.token().label(), .serial = {}, .manufacturer = {}, .model = {}},
                        [&] { return Secret(store.token().user_pin()); });
    CHECK(store.fault().calls("C_Login") == 2);
    CHECK(signs(*store.open()->use(ref, {})));
    CHECK(store.fault().calls("C_Login") == 3);
}

TEST_CASE("no login is attempted when the next wrong PIN would lock the token, or it is locked") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    store.fault().reset_counters();
    for(const auto* state : {R"({"fault": "pin-state", "state": "final-try"})", R"({"fault": "pin-state", "state": "locked"})"}) {
        store.fault().inject(state);
        CHECK_RAISES(store.open()->use(ref, {}), Errc::pin_locked);
    }
    CHECK(store.fault().calls("C_Login") == 0);
}

TEST_CASE("what the token says of the tries left is told") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    store.fault().inject(R"({"fault": "return", "function": "C_Login", "rv": "CKR_PIN_LOCKED", "every": 1})");
    const auto locked = test::raised([&] { return store.open()->use(ref, {}); });
    CHECK(locked.code() == Errc::pin_locked);
    CHECK(locked.return_value() == "CKR_PIN_LOCKED");
}

TEST_CASE("an import that fails halfway leaves nothing in the token") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    for(const int which : {1, 2}) {
        INFO("C_CreateObject number " << which << " fails");
        store.fault().inject(R"({"fault": "return", "function": "C_CreateObject", "rv": "CKR_TEMPLATE_INCOMPLETE", "at": )" +
                             std::to_string(which) + "}");
        const auto error = test::raised([&] { return store_a_key(*backend); });
        CHECK(error.code() == Errc::token_failed);
        CHECK(error.return_value() == "CKR_TEMPLATE_INCOMPLETE");
        CHECK(store.objects() == 0);
    }
    CHECK(signs(*backend->use(store_a_key(*backend), {})));
    CHECK(store.objects() == 2);
}

TEST_CASE("a new key that cannot sign, or signs wrongly, is removed again") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto both_ways_fail_with = [&](Errc expected) {
        CHECK_RAISES(HsmStore::create(*backend, "root"), expected);
        CHECK_RAISES(store_a_key(*backend), expected);
        CHECK(store.objects() == 0);
    };
    store.fault().inject(R"({"fault": "corrupt-signature", "every": 1})");
    both_ways_fail_with(Errc::verification_failed);
    store.fault().clear();

    store.fault().inject(R"({"fault": "short-signature", "every": 1})");
    both_ways_fail_with(Errc::token_failed);
    store.fault().clear();

    store.fault().inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "every": 1})");
    both_ways_fail_with(Errc::token_failed);
    store.fault().clear();

    CHECK(signs(*backend->use(HsmStore::create(*backend, "root").ref, {})));
}

TEST_CASE("the first signature after a key is found is verified before it leaves") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const auto key = store.open()->use(ref, {});
    store.fault().inject(R"({"fault": "corrupt-signature", "every": 1})");
    CHECK_RAISES(signs(*key), Errc::verification_failed);
    store.fault().clear();
    CHECK(signs(*key));
}

TEST_CASE("a signature goes on after a lost session, a logout or a stale handle") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    for(const std::string lost : {"CKR_SESSION_HANDLE_INVALID", "CKR_SESSION_CLOSED", "CKR_KEY_HANDLE_INVALID",
                                  "CKR_OBJECT_HANDLE_INVALID", "CKR_USER_NOT_LOGGED_IN"}) {
        INFO(lost);
        store.fault().inject(R"({"fault": "return", "function": "C_Sign", "times": 1, "rv": ")" + lost + "\"}");
        CHECK(signs(*key));
    }
    // And when it is really so.
    for(const auto* fault : {R"({"fault": "session-lost"})", R"({"fault": "session-lost", "sessions": "all"})",
                             R"({"fault": "logged-out"})", R"({"fault": "handles-renumbered"})"}) {
        INFO(fault);
        store.fault().inject(fault);
        CHECK(signs(*key));
    }
}

TEST_CASE("a fault that stays is told and not tried for ever") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    const auto stays = [&](const std::string& value) {
        store.fault().clear();
        store.fault().inject(R"({"fault": "return", "function": "C_Sign", "every": 1, "rv": ")" + value + "\"}");
        store.fault().reset_counters();
    };
    stays("CKR_SESSION_HANDLE_INVALID");
    const auto error = test::raised([&] { return signs(*key); });
    CHECK(error.code() == Errc::token_failed);
    CHECK(error.return_value() == "CKR_SESSION_HANDLE_INVALID");
    CHECK(store.fault().calls("C_Sign") == 8);

    stays("CKR_DEVICE_ERROR");
    CHECK_RAISES(signs(*key), Errc::token_failed);
    CHECK(store.fault().calls("C_Sign") == 8);

    stays("CKR_MECHANISM_PARAM_INVALID");
    CHECK_RAISES(signs(*key), Errc::unsupported);
    CHECK(store.fault().calls("C_Sign") == 1);
    store.fault().clear();
    CHECK(signs(*key));
}

TEST_CASE("a token's limit of sessions is kept to, and many threads share what there is", "[threads]") {
    const HsmStore store(faulty);
    store.fault().inject(R"({"fault": "session-cap", "sessions": 3})");
    const auto backend = store.open();
    const auto key = backend->use(HsmStore::create(*backend, "root").ref, {});
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 8; ++t) {
            threads.emplace_back([&] {
                for(int i = 0; i < 10; ++i) {
                    good += signs(*key) ? 1 : 0;
                }
            });
        }
    }
    CHECK(good == 80);
}

TEST_CASE("a login that others end, and sessions that others close, are renewed", "[threads]") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto ref = HsmStore::create(*backend, "root").ref;
    const auto key = backend->use(ref, {});
    // Several sessions in the pool, so that several are lost at once.
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 6; ++t) {
            threads.emplace_back([&] {
                for(int i = 0; i < 10; ++i) {
                    static_cast<void>(signs(*key));
                }
            });
        }
    }
    const auto module = pkcs11::Module::open(store.module());
    const auto slot = module->tokens().at(0).slot;
    const auto log_out = [&] {
        const pkcs11::Session session(module, slot, pkcs11::SessionMode::read_only);
        REQUIRE(module->calls().C_Logout(session.handle()) == CKR_OK);
    };
    const auto close_all = [&] { REQUIRE(module->calls().C_CloseAllSessions(slot) == CKR_OK); };
    for(const auto& disturb : {std::function<void()>(log_out), std::function<void()>(close_all)}) {
        disturb();
        CHECK(signs(*key));
        disturb();
        CHECK(dynamic_cast<KeyLister&>(*backend).list({}).keys.size() == 1);
        disturb();
        CHECK(signs(*backend->use(ref, {})));
        disturb();
        const auto more = HsmStore::create(*backend, "more").ref;
        disturb();
        dynamic_cast<KeyRemover&>(*backend).remove(more, {});
        CHECK(signs(*key));
    }
}

TEST_CASE("many threads with a wrong PIN send it once", "[threads]") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const auto wrong = store.wrong_pin_source();
    store.fault().reset_counters();
    std::atomic<int> rejected = 0;
    {
        std::vector<std::jthread> threads;
        for(int t = 0; t < 8; ++t) {
            threads.emplace_back([&] {
                const auto error = store.open({{"user-pin", wrong}})->check(ref, {});
                rejected += error && error->code() == Errc::pin_incorrect ? 1 : 0;
            });
        }
    }
    CHECK(rejected == 8);
    CHECK(store.fault().calls("C_Login") == 1);
}

TEST_CASE("what a cut short import or removal leaves is listed and can be removed") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto ref = store_a_key(*backend);
    {
        const HsmStore::Direct direct(store);
        const auto object = direct.find(CKO_PRIVATE_KEY, "imported").at(0);
        REQUIRE(direct.session().calls().C_DestroyObject(direct.session().handle(), object) == CKR_OK);
    }
    CHECK(backend->check(ref, {}).value().code() == Errc::key_not_found);
    CHECK_RAISES(store_a_key(*backend), Errc::already_exists);
    const auto listing = dynamic_cast<KeyLister&>(*backend).list({});
    REQUIRE(listing.keys.size() == 1);
    CHECK(listing.keys[0].ref == ref);
    CHECK(listing.keys[0].attributes.back() == std::pair<std::string, std::string>("private-key", "missing"));
    dynamic_cast<KeyRemover&>(*backend).remove(ref, {});
    CHECK(store.objects() == 0);
    CHECK(signs(*backend->use(store_a_key(*backend), {})));
}

TEST_CASE("a private key without a public one is named by a listing, beside the others") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto whole = HsmStore::create(*backend, "whole").ref;
    static_cast<void>(HsmStore::create(*backend, "lone"));
    {
        const HsmStore::Direct direct(store);
        const auto object = direct.find(CKO_PUBLIC_KEY, "lone").at(0);
        REQUIRE(direct.session().calls().C_DestroyObject(direct.session().handle(), object) == CKR_OK);
    }
    const auto listing = dynamic_cast<KeyLister&>(*backend).list({});
    REQUIRE(listing.keys.size() == 1);
    CHECK(listing.keys[0].ref == whole);
    REQUIRE(listing.faults.size() == 1);
    CHECK(listing.faults[0].message().find("\"lone\"") != std::string::npos);
}

TEST_CASE("a label that is no text does not hide its key or the others") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    static_cast<void>(HsmStore::create(*backend, "a"));
    static_cast<void>(HsmStore::create(*backend, "b"));
    {
        const HsmStore::Direct direct(store);
        for(const auto object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
            direct.set(direct.find(object_class, "b").at(0), CKA_LABEL, "caf\xe9");
        }
    }
    const auto listing = dynamic_cast<KeyLister&>(*backend).list({});
    CHECK(listing.faults.empty());
    REQUIRE(listing.keys.size() == 2);
    for(const auto& info : listing.keys) {
        CHECK(signs(*backend->use(info.ref, {})));
    }
}

TEST_CASE("what one signature takes in the token, proofs and findings too, has one deadline") {
    const HsmStore store(faulty);
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const auto key = store.open({{"deadline-ms", "500"}, {"verify-signatures", "true"}})->use(ref, {});
    REQUIRE(signs(*key));
    store.fault().inject(test::fault_line("slow", "C_SignInit", R"("ms": 300)"));
    store.fault().inject(test::fault_line("corrupt-signature", "C_Sign", ""));
    const auto begin = std::chrono::steady_clock::now();
    const auto error = test::raised([&] { return signs(*key); });
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(error.code() == Errc::verification_failed);
    // Two rounds of 300 ms; without an end it would be five.
    CHECK(took < std::chrono::milliseconds(1'200));
}
