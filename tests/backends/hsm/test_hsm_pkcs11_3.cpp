// SPDX-License-Identifier: BSD-2-Clause
// What PKCS#11 3.0 and 3.2 added, on a mock of a module (tests/support/pkcs11_3), as no module that can be installed has it.
#include <backends/hsm/hsm_store.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/pkcs11/quirks/probe.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <botan/ml_dsa.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x448.h>

#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace keyway;
using keyway::test::HsmStore;
using Bytes = std::vector<std::uint8_t>;

namespace {

auto& rng() {
    return Botan::system_rng();
}

/// The mock's token behind the fault module, which counts the calls. The mock stays loaded, and keeps its objects from one test to
/// the next.
class MockStore {
public:
    explicit MockStore(bool old_interface = false)
        : fault_(KEYWAY_PKCS11_3_MODULE, {.old_interface = old_interface}) {
        const auto pin = folder_.path() / "pin";
        std::ofstream(pin) << "1234";
        std::filesystem::permissions(pin, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }

    [[nodiscard]] std::unique_ptr<KeyBackend> open(test::Texts more = {}) const {
        const auto option = [](std::string_view value) {
            return RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}};
        };
        RawOptions raw{{"module", option(fault_.path().string())},
                       {"token-label", option("mock")},
                       {"user-pin", option("file:" + (folder_.path() / "pin").string())}};
        for(const auto& [name, value] : more) {
            raw.emplace(name, option(value));
        }
        BackendRegistry registry;
        registry.add(hsm_backend());
        Settings settings;
        settings.add(BackendAlias("hsm"), {.type = "hsm", .options = raw});
        return registry.open(settings, BackendAlias("hsm"), {});
    }

    [[nodiscard]] softhsm_fixtures::FaultModule& fault() const { return fault_; }

private:
    test::TemporaryFolder folder_;
    mutable softhsm_fixtures::FaultModule fault_;
};

/// The kinds that the mock has: those that SoftHSM has not, and the Edwards curves, whose parameters SoftHSM does not look at. The small SLH-DSA sets take a second for a signature: one is enough.
std::vector<std::string> new_kinds() {
    std::vector<std::string> kinds;
    for(const auto& name : KeySpec::known_names()) {
        const bool is_slow = name.starts_with("slh-dsa-") && name.ends_with("s") && name != "slh-dsa-sha2-128s";
        if(!is_slow && (name.starts_with("x") || name.starts_with("ed") || name.starts_with("ml-dsa-") || name.starts_with("slh-dsa-"))) {
            kinds.push_back(name);
        }
    }
    return kinds;
}

bool works(const Botan::Private_Key& key, const Botan::Public_Key& expected) {
    const auto spec = KeySpec::of(expected);
    if(spec.can_sign()) {
        const Bytes message{1, 2, 3};
        return Botan::PK_Verifier(expected, "").verify_message(message,
                                                               Botan::PK_Signer(key, rng(), "").sign_message(message, rng()));
    }
    std::unique_ptr<Botan::PK_Key_Agreement_Key> other = std::make_unique<Botan::X25519_PrivateKey>(rng());
    if(spec.type() == KeyType::x448) {
        other = std::make_unique<Botan::X448_PrivateKey>(rng());
    }
    return Botan::PK_Key_Agreement(key, rng(), "HKDF(SHA-256)").derive_key(32, other->public_value()) ==
           Botan::PK_Key_Agreement(*other, rng(), "HKDF(SHA-256)").derive_key(32, expected.raw_public_key_bits());
}

}  // namespace

TEST_CASE("keys of the new kinds are made, stored, listed, adopted and used") {
    const MockStore store;
    const auto backend = store.open();
    auto& lister = dynamic_cast<KeyLister&>(*backend);
    for(const auto& kind : new_kinds()) {
        INFO(kind);
        const auto spec = KeySpec::parse(kind);
        const auto made = HsmStore::create(*backend, "made " + kind, kind);
        CHECK(made.ref.key() == spec);
        const auto key = store.open()->use(KeyRef::parse(made.ref.to_string()), {});
        CHECK(works(*key, *made.public_key));
        CHECK(key->supports_operation(Botan::PublicKeyOperation::Signature) == spec.can_sign());
        CHECK(key->supports_operation(Botan::PublicKeyOperation::KeyAgreement) == !spec.can_sign());
        CHECK(key->subject_public_key() == made.public_key->subject_public_key());

        const auto source = generate_software_key(spec);
        const auto stored = backend->store(*source, HsmStore::options(Phase::store, {{"label", "stored " + kind}}));
        CHECK(stored.fingerprint() == SpkiFingerprint::of(*source));
        CHECK(works(*backend->use(stored, {}), *source));

        CHECK(dynamic_cast<KeyAdopter&>(*backend).adopt(HsmStore::options(Phase::adopt, {{"label", "stored " + kind}})) == stored);
        const auto listing = lister.list({});
        CHECK(listing.faults.empty());
        CHECK(std::ranges::count(listing.keys, stored, &KeyInfo::ref) == 1);
        dynamic_cast<KeyRemover&>(*backend).remove(stored, {});
        dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
        CHECK(lister.list({}).keys.empty());
    }
}

TEST_CASE("signature operations of the new kinds say what Botan's say") {
    const MockStore store;
    const auto backend = store.open();
    for(const auto* const kind : {"ml-dsa-65", "slh-dsa-shake-128f", "slh-dsa-sha2-192f"}) {
        INFO(kind);
        const auto made = HsmStore::create(*backend, kind, kind);
        const auto key = backend->use(made.ref, {});
        const auto software = generate_software_key(KeySpec::parse(kind));
        const Botan::PK_Signer ours(*key, rng(), "");
        const Botan::PK_Signer theirs(*software, rng(), "");
        CHECK(ours.signature_length() == theirs.signature_length());
        CHECK(ours.algorithm_identifier() == theirs.algorithm_identifier());
        CHECK(ours.hash_function() == theirs.hash_function());
        CHECK(key->estimated_strength() == software->estimated_strength());
        CHECK_RAISES(Botan::PK_Signer(*key, rng(), "Deterministic"), Errc::unsupported);
        dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
    }
    const auto made = HsmStore::create(*backend, "agrees", "x25519");
    const auto key = backend->use(made.ref, {});
    CHECK_RAISES(Botan::PK_Signer(*key, rng(), "Pure"), Errc::unsupported);
    const Botan::PK_Key_Agreement agreement(*key, rng(), "Raw");
    store.fault().reset_counters();
    CHECK_RAISES(agreement.derive_key(0, Bytes(32)), Errc::invalid_argument);  // of low order
    CHECK_RAISES(agreement.derive_key(0, Bytes(31, 9)), Errc::invalid_argument);
    CHECK(store.fault().calls("C_DeriveKey") == 0);
    CHECK_RAISES(HsmStore::create(*backend, "rsa", "rsa-2048"), Errc::unsupported);
    dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
}

TEST_CASE("a token that knows ML-DSA keys by their expanded form only cannot be given one") {
    const MockStore store;
    const auto backend = store.open({{"init-args", "expanded-keys"}});
    const auto source = generate_software_key(KeySpec::parse("ml-dsa-44"));
    const auto error =
        test::raised([&] { return backend->store(*source, HsmStore::options(Phase::store, {{"label", "stored"}})); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.return_value() == "CKR_ATTRIBUTE_TYPE_INVALID");
    CHECK(dynamic_cast<KeyLister&>(*backend).list({}).keys.empty());
}

TEST_CASE("an operation that a refused call left active is ended, and the session is kept") {
    const bool old_interface = GENERATE(false, true);
    INFO(old_interface);
    const MockStore store(old_interface);
    const auto backend = store.open({{"max-sessions", "1"}});
    const auto made = HsmStore::create(*backend, "cancelled", "ml-dsa-44");
    const auto key = backend->use(made.ref, {});
    CHECK(works(*key, *made.public_key));
    store.fault().reset_counters();
    // Before the real C_Sign, so that the operation stays active in the mock.
    store.fault().inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DATA_INVALID", "times": 1})");
    CHECK_RAISES(works(*key, *made.public_key), Errc::token_failed);
    CHECK(works(*key, *made.public_key));
    CHECK(store.fault().calls("C_SessionCancel") == (old_interface ? 0 : 1));
    CHECK(store.fault().calls("C_CloseSession") == (old_interface ? 1 : 0));
    CHECK(store.fault().calls("C_SignInit") == 2);
    dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
}

TEST_CASE("where C_SessionCancel is not offered or fails, the session is closed as before") {
    const MockStore store;
    const auto backend = store.open({{"max-sessions", "1"}});
    const auto made = HsmStore::create(*backend, "closed", "ml-dsa-44");
    const auto key = backend->use(made.ref, {});
    CHECK(works(*key, *made.public_key));
    store.fault().reset_counters();
    store.fault().inject(R"({"fault": "return", "function": "C_SessionCancel", "rv": "CKR_FUNCTION_NOT_SUPPORTED"})");
    for(int i = 0; i < 2; ++i) {
        store.fault().inject(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DATA_INVALID", "times": 1})");
        CHECK_RAISES(works(*key, *made.public_key), Errc::token_failed);
        CHECK(works(*key, *made.public_key));
    }
    CHECK(store.fault().calls("C_SessionCancel") == 1);
    CHECK(store.fault().calls("C_CloseSession") == 2);
    dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
}

TEST_CASE("a user name is given to C_LoginUser, and without one C_Login is called") {
    const MockStore store;
    {
        const auto backend = store.open({{"init-args", "user=alice"}, {"user-name", "bob"}});
        CHECK_RAISES(HsmStore::create(*backend, "k", "x25519"), Errc::pin_incorrect);
    }
    {
        const auto backend = store.open({{"init-args", "user=alice"}});
        CHECK_RAISES(HsmStore::create(*backend, "k", "x25519"), Errc::pin_incorrect);
    }
    store.fault().reset_counters();
    const auto backend = store.open({{"init-args", "user=alice"}, {"user-name", "alice"}});
    // The PIN was wrong for others: that says nothing of this user's.
    const auto made = HsmStore::create(*backend, "k", "x25519");
    CHECK(store.fault().calls("C_LoginUser") == 1);
    CHECK(store.fault().calls("C_Login") == 0);
    CHECK(works(*backend->use(made.ref, {}), *made.public_key));
    dynamic_cast<KeyRemover&>(*backend).remove(made.ref, {});
}

TEST_CASE("the login that shows a PIN, and a measurement, are those of the user who is named") {
    const MockStore store;
    const pkcs11::ModuleName module{store.fault().path().string(), "user=carol"};
    const pkcs11::TokenSelector token{.label = "mock", .serial = {}, .manufacturer = {}, .model = {}};
    const auto pin = [] { return Secret("1234"); };
    const auto log_in = [&](const std::string& user) {
        return pkcs11::log_in_once(module, token, pin, pkcs11::LastTry::refuse, user);
    };
    CHECK_RAISES(log_in("dave"), Errc::pin_incorrect);
    CHECK_RAISES(log_in({}), Errc::pin_incorrect);
    store.fault().reset_counters();
    CHECK(log_in("carol").label == "mock");
    CHECK(store.fault().calls("C_LoginUser") == 1);
    pkcs11::ProbeOptions options;
    options.pin = pin;
    options.user_name = "carol";
    options.repeats = 1;
    CHECK(pkcs11::probe_token(module, token, options).state_after_login == "CKS_RO_USER_FUNCTIONS");
    CHECK(store.fault().calls("C_LoginUser") == 2);
    CHECK(store.fault().calls("C_Login") == 0);
}

TEST_CASE("a user name is refused where the module knows no users by name") {
    const MockStore old_module(true);
    const auto backend = old_module.open({{"user-name", "alice"}});
    old_module.fault().reset_counters();
    const auto error = test::raised([&] { return HsmStore::create(*backend, "k", "x25519"); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.hint().find("C_LoginUser") != std::string::npos);
    CHECK(old_module.fault().calls("C_Login") == 0);
}

TEST_CASE("SoftHSM knows no users by name") {
    const HsmStore softhsm;
    CHECK_RAISES(HsmStore::create(*softhsm.open({{"user-name", "alice"}}), "k"), Errc::unsupported);
}
