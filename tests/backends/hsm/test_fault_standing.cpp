// SPDX-License-Identifier: BSD-2-Clause
// The fault matrix: faults that stand, and those of PINs. Each has a store of its own, as what a token knows of PINs stays.
#include <backends/hsm/fault_support.hpp>
#include <support/raises.hpp>

#include <atomic>
#include <thread>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;
constexpr std::int64_t deadline_ms = 1'500;
constexpr std::int64_t margin_ms = 1'000;

/// Not in a CHECK, which would keep the error for itself.
void sign_as(const Botan::Private_Key& key, const Botan::Public_Key& expected) {
    if(!test::signs_as(key, expected)) {
        throw Error(Errc::internal, "an invalid signature was handed out");
    }
}

struct Expectations {
    std::optional<Errc> sign, find, create, store, remove;
};

/// Each operation on a token that has the fault from the start; then the same without it.
void under(const std::string& fault, const Expectations& expected, test::Texts settings = {{"deadline-ms", "1500"}}) {
    INFO(fault);
    const HsmStore store(faulty);
    const auto module = pkcs11::Module::open(store.module());
    auto whole = store.open();
    const auto ref = HsmStore::create(*whole, "right").ref;
    const auto victim = HsmStore::create(*whole, "victim").ref;
    const auto right = whole->use(ref, {})->public_key();
    whole.reset();

    // The program started before the fault: it has a key, proven.
    const auto backend = store.open(settings);
    const auto key = backend->use(ref, {});
    REQUIRE(test::signs(*key));
    store.fault().inject(fault);
    store.fault().reset_counters();

    const auto ends = [&](std::string_view what, const std::optional<Errc>& wanted, const std::function<void()>& work) {
        const auto outcome = test::outcome_of(work);
        INFO(what << ": " << outcome.text());
        CHECK(outcome.took.count() < deadline_ms + margin_ms);
        CHECK((outcome.error ? std::optional(outcome.error->code()) : std::nullopt) == wanted);
    };
    const auto objects = [&](std::size_t change) { CHECK(store.objects() == 4 + change); };
    ends("sign", expected.sign, [&] { sign_as(*key, *right); });
    ends("find", expected.find, [&] { static_cast<void>(backend->use(ref, {})); });
    objects(0);
    ends("create", expected.create, [&] { static_cast<void>(HsmStore::create(*backend, "created")); });
    objects(expected.create ? 0 : 2);
    const auto created = expected.create ? 0U : 2U;
    ends("store", expected.store, [&] {
        static_cast<void>(backend->store(*test::software_key(), HsmStore::options(Phase::store, {{"label", "stored"}})));
    });
    objects(created + (expected.store ? 0 : 2));
    ends("remove", expected.remove, [&] { dynamic_cast<KeyRemover&>(*backend).remove(victim, {}); });
    CHECK(store.fault().calls("C_Login") == 0);

    store.fault().clear();
    CHECK(test::signs_as(*key, *right));
    CHECK(test::signs_as(*backend->use(ref, {}), *right));
}

}  // namespace

TEST_CASE("matrix: mechanisms that a token does not have") {
    under(R"({"fault": "mechanisms-hidden", "mechanisms": "CKM_ECDSA"})",
          {.sign = Errc::unsupported, .create = Errc::unsupported, .store = Errc::unsupported});
    under(R"({"fault": "mechanisms-hidden", "mechanisms": "CKM_EC_KEY_PAIR_GEN"})", {.create = Errc::unsupported});
}

TEST_CASE("matrix: a token that can only be read") {
    under(R"({"fault": "read-only-token"})",
          {.create = Errc::token_failed, .store = Errc::token_failed, .remove = Errc::token_failed});
}

TEST_CASE("matrix: public keys written in another way, or not shown") {
    under(R"({"fault": "ec-point-raw"})", {});
    under(R"({"fault": "attributes-withheld", "attributes": "CKA_LABEL"})", {});
}

TEST_CASE("matrix: limits of data, and the older interface") {
    under(R"({"fault": "data-limit", "bytes": 64})", {});
    under(R"({"fault": "data-limit", "bytes": 16})",
          {.sign = Errc::unsupported, .create = Errc::unsupported, .store = Errc::unsupported});
    under(R"({"fault": "interface-2.40"})", {});
}

TEST_CASE("matrix: few sessions, announced or not") {
    under(R"({"fault": "session-cap", "sessions": 4, "announced": true})", {});
    under(R"({"fault": "session-cap", "sessions": 4, "announced": false})", {});
    under(R"({"fault": "session-cap", "sessions": 3, "announced": false})", {});
}

TEST_CASE("matrix: sessions that a token drops when they are idle") {
    const HsmStore store(faulty);
    store.fault().inject(R"({"fault": "idle-timeout", "ms": 200})");
    const auto backend = store.open({{"deadline-ms", "1500"}});
    const auto ref = HsmStore::create(*backend, "right").ref;
    const auto key = backend->use(ref, {});
    for(int i = 0; i < 3; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        store.fault().reset_counters();
        CHECK(test::signs(*key));
        CHECK(store.fault().calls("C_Login") <= 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        CHECK(test::signs(*backend->use(ref, {})));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    const auto made = HsmStore::create(*backend, "new").ref;
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    static_cast<void>(backend->store(*test::software_key(), HsmStore::options(Phase::store, {{"label", "stored"}})));
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    dynamic_cast<KeyRemover&>(*backend).remove(made, {});
    CHECK(store.objects() == 4);
}

TEST_CASE("matrix: a token that stays away is an error by the deadline for each operation, and comes back by itself") {
    const HsmStore store(faulty);
    const auto backend = store.open({{"deadline-ms", "600"}});
    const auto ref = HsmStore::create(*backend, "right").ref;
    const auto victim = HsmStore::create(*backend, "victim").ref;
    const auto key = backend->use(ref, {});
    REQUIRE(test::signs(*key));
    const auto before = store.objects();
    store.fault().inject(R"({"fault": "device-removed", "function": "C_OpenSession"})");
    store.fault().reset_counters();
    const std::function<void()> operations[] = {
        [&] { static_cast<void>(backend->use(ref, {})); },
        [&] { static_cast<void>(test::signs(*key)); },
        [&] { static_cast<void>(HsmStore::create(*backend, "new")); },
        [&] {
            static_cast<void>(backend->store(*test::software_key(), HsmStore::options(Phase::store, {{"label", "new"}})));
        },
        [&] { dynamic_cast<KeyRemover&>(*backend).remove(victim, {}); },
    };
    for(const auto& operation : operations) {
        const auto outcome = test::outcome_of(operation);
        INFO(outcome.text());
        REQUIRE(outcome.error);
        CHECK(outcome.error->code() == Errc::token_not_found);
        CHECK(outcome.error->message().find(store.token().label()) != std::string::npos);
        CHECK(outcome.took.count() < 600 + margin_ms);
    }
    CHECK(store.fault().calls("C_Login") == 0);
    CHECK(store.objects() == before);
    store.fault().inject(R"({"insert": "device"})");
    CHECK(test::signs(*key));
    CHECK(store.fault().calls("C_Login") == 1);
}

TEST_CASE("matrix: a module that cannot be initialised again is an error by the deadline") {
    const HsmStore store(faulty);
    const auto backend = store.open({{"deadline-ms", "500"}});
    const auto key = backend->use(HsmStore::create(*backend, "right").ref, {});
    store.fault().inject(R"({"fault": "second-initialize-refused"})");
    store.fault().inject(fault_line("return", "C_Sign", R"("rv": "CKR_CRYPTOKI_NOT_INITIALIZED", "times": 1)"));
    for(int i = 0; i < 2; ++i) {
        const auto outcome = test::outcome_of([&] { static_cast<void>(test::signs(*key)); });
        INFO(outcome.text());
        REQUIRE(outcome.error);
        CHECK_FALSE(outcome.error->return_value().empty());
        CHECK(outcome.took.count() < 500 + margin_ms);
    }
    store.fault().clear();
    CHECK(test::signs(*key));
}

TEST_CASE("matrix: a call that hangs holds up its own thread, and no other for longer than its deadline", "[threads]") {
    // What holds: the thread in the call that hangs is the module's until it comes back; there is no way to take it out. Its
    // session and its right to the module are its own, so that others sign on, log in, find and make keys; only a reload of
    // the module waits for it, for half a second at most, and does not happen.
    const HsmStore store(faulty);
    const auto backend = store.open({{"deadline-ms", "800"}});
    const auto ref = HsmStore::create(*backend, "right").ref;
    const auto key = backend->use(ref, {});
    REQUIRE(test::signs(*key));
    for(const std::string_view function : {"C_Sign", "C_SignInit", "C_FindObjects", "C_Login"}) {
        INFO(function);
        store.fault().inject(fault_line("hang", function, R"("at": 1, "ms": 20000)"));
        std::atomic<bool> back = false;
        std::jthread hanging([&] {
            if(function == "C_Login" || function == "C_FindObjects") {
                const auto module = pkcs11::Module::open(store.module());
                if(function == "C_Login") {
                    const auto slot = module->tokens().front().slot;
                    const pkcs11::Session session(module, slot, pkcs11::SessionMode::read_only);
                    module->calls().C_Logout(session.handle());
                }
                static_cast<void>(backend->check(ref, {}));
            } else {
                static_cast<void>(test::outcome_of([&] { static_cast<void>(test::signs(*key)); }));
            }
            back = true;
        });
        const auto calls_before = std::chrono::steady_clock::now();
        while(store.fault().calls(function) == 0 && std::chrono::steady_clock::now() - calls_before < std::chrono::seconds(2)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const auto others = [&](const std::function<void()>& work) {
            const auto outcome = test::outcome_of(work);
            INFO(outcome.text());
            CHECK(outcome.took.count() < 800 + margin_ms);
            // While another thread logs in nobody can be logged in: that is told at the deadline.
            CHECK((!outcome.error || function == "C_Login"));
        };
        others([&] { sign_as(*key, *key->public_key()); });
        others([&] { sign_as(*backend->use(ref, {}), *key->public_key()); });
        CHECK_FALSE(back);
        store.fault().inject(R"({"release": "hangs"})");
        hanging.join();
        store.fault().clear();
        CHECK(test::signs(*key));
        store.fault().reset_counters();
    }
    // A reload that is wanted meanwhile waits for it in vain.
    store.fault().inject(fault_line("hang", "C_Sign", R"("at": 1, "ms": 20000)"));
    std::jthread hanging([&] { static_cast<void>(test::outcome_of([&] { static_cast<void>(test::signs(*key)); })); });
    while(store.fault().calls("C_Sign") == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    store.fault().inject(fault_line("return", "C_SignInit", R"("rv": "CKR_CRYPTOKI_NOT_INITIALIZED", "times": 3)"));
    std::vector<std::jthread> threads;
    std::atomic<int> late = 0;
    for(int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            const auto outcome = test::outcome_of([&] { static_cast<void>(test::signs(*key)); });
            late += outcome.took.count() < 800 + margin_ms ? 0 : 1;
        });
    }
    threads.clear();
    CHECK(late == 0);
    store.fault().inject(R"({"release": "hangs"})");
    hanging.join();
    CHECK(test::signs(*key));
}
