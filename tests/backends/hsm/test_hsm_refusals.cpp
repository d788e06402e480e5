// SPDX-License-Identifier: BSD-2-Clause
// What a token says of a key's object is believed only of a handle that was found anew: an old one may be another object's.
#include <backends/hsm/fault_support.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <support/raises.hpp>

#include <botan/ecdh.h>
#include <botan/ec_group.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <array>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;
using Bytes = std::vector<std::uint8_t>;

namespace {

constexpr auto faulty = HsmStore::Through::fault_module;
constexpr std::string_view no_raw_rsa = R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_X_509"]})";
constexpr std::array refusals{"CKR_KEY_TYPE_INCONSISTENT", "CKR_KEY_FUNCTION_NOT_PERMITTED", "CKR_KEY_SIZE_RANGE",
                              "CKR_MECHANISM_INVALID"};
const Bytes message{1, 2, 3, 4, 5};

auto& rng() {
    return Botan::system_rng();
}

KeyRef make_key(KeyBackend& backend, std::string_view label, std::string_view kind, std::string_view usage) {
    return backend.create(KeySpec::parse(kind), HsmStore::options(Phase::create, {{"label", label}, {"usage", usage}})).ref;
}

Bytes encrypted(const Botan::Private_Key& key, std::string_view padding) {
    return Botan::PK_Encryptor_EME(*key.public_key(), rng(), padding).encrypt(message, rng());
}

bool decrypts(const Botan::PK_Decryptor_EME& with, const Botan::Private_Key& key, std::string_view padding) {
    const auto out = with.decrypt(encrypted(key, padding));
    return Bytes(out.begin(), out.end()) == message;
}

bool agrees(const Botan::Private_Key& key) {
    const Botan::ECDH_PrivateKey other(rng(), Botan::EC_Group::from_name(KeySpec::of(key).curve()));
    return Botan::PK_Key_Agreement(key, rng(), "Raw").derive_key(0, other.public_value()) ==
           Botan::PK_Key_Agreement(other, rng(), "Raw").derive_key(0, key.raw_public_key_bits());
}

std::string refused(std::string_view function, std::string_view value, std::string_view when) {
    return fault_line("return", function, R"("rv": ")" + std::string(value) + "\", " + std::string(when));
}

}  // namespace

TEST_CASE("a refusal of an old handle leads to one new find, and is told when the new one is refused as well") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto signer = backend->use(make_key(*backend, "s", "p-256", "sign"), {});
    const auto agreer = backend->use(make_key(*backend, "a", "p-256", "derive"), {});
    const auto decrypter = backend->use(make_key(*backend, "d", "rsa-2048", "decrypt"), {});
    const Botan::PK_Decryptor_EME decryptor(*decrypter, rng(), "PKCS1v15");
    REQUIRE(test::signs(*signer));
    REQUIRE(agrees(*agreer));
    REQUIRE(decrypts(decryptor, *decrypter, "PKCS1v15"));
    struct Use {
        std::string_view function;
        std::function<bool()> work;
        bool has_another_way;
    };
    const Use uses[] = {{"C_SignInit", [&] { return test::signs(*signer); }, false},
                        {"C_DeriveKey", [&] { return agrees(*agreer); }, false},
                        {"C_DecryptInit", [&] { return decrypts(decryptor, *decrypter, "PKCS1v15"); }, true}};
    for(const auto& use : uses) {
        for(const std::string_view value : refusals) {
            INFO(value << " at " << use.function);
            const auto before = hsm_counters(*backend).value();
            store.fault().inject(refused(use.function, value, R"("times": 1)"));
            CHECK(use.work());
            const auto after = hsm_counters(*backend).value();
            CHECK(after.finds == before.finds + 1);
            CHECK(after.verified == before.verified + 1);
            CHECK(after.logins == before.logins);
            CHECK(after.repeated == before.repeated);  // the token did not begin it

            store.fault().inject(refused(use.function, value, R"("every": 1)"));
            store.fault().reset_counters();
            const auto error = test::raised(use.work);
            INFO(error.what());
            CHECK(error.return_value() == value);
            CHECK((error.code() == Errc::unsupported || error.code() == Errc::token_failed));
            CHECK(store.fault().calls(use.function) == (use.has_another_way ? 3 : 2));
            CHECK(hsm_counters(*backend)->finds == after.finds + 1);
            store.fault().clear();
            CHECK(use.work());
        }
    }
}

TEST_CASE("a handle that became an object of another kind ends no decryption, agreement or signature for good") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto decrypter = backend->use(make_key(*backend, "d", "rsa-2048", "decrypt"), {});
    static_cast<void>(make_key(*backend, "e", "p-256", "sign"));
    const auto agreer = backend->use(make_key(*backend, "a", "p-256", "derive"), {});
    const auto signer = backend->use(make_key(*backend, "s", "p-384", "sign"), {});
    static_cast<void>(make_key(*backend, "r", "rsa-2048", "sign"));
    const Botan::PK_Decryptor_EME decryptor(*decrypter, rng(), "OAEP(SHA-256)");
    for(int turn = 0; turn < 4; ++turn) {
        INFO(turn);
        // Each time the numbers go on to the next objects: public keys, keys of other kinds, keys that may not.
        for(const auto* const function : {"C_DecryptInit", "C_DeriveKey", "C_SignInit"}) {
            store.fault().inject(fault_line("handles-renumbered", function, R"("reused": true, "at": 1)"));
        }
        CHECK(decrypts(decryptor, *decrypter, "OAEP(SHA-256)"));
        CHECK(agrees(*agreer));
        CHECK(test::signs(*signer));
        // OAEP with SHA-256 is done by raw RSA only: that way was not given up.
        CHECK(decrypts(decryptor, *decrypter, "OAEP(SHA-256)"));
        store.fault().clear();
    }
}

TEST_CASE("a key that does no raw RSA is not found anew for each ciphertext") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    const auto key = backend->use(make_key(*backend, "d", "rsa-2048", "decrypt"), {});
    // Only the first C_DecryptInit of each operation asks for raw RSA.
    const auto decrypts_once = [&](std::string_view when) {
        store.fault().inject(refused("C_DecryptInit", "CKR_KEY_FUNCTION_NOT_PERMITTED", when));
        const Botan::PK_Decryptor_EME decryptor(*key, rng(), "PKCS1v15");
        CHECK(decrypts(decryptor, *key, "PKCS1v15"));
        store.fault().clear();
    };
    const auto finds = [&] { return hsm_counters(*backend)->finds; };
    const auto first = finds();
    decrypts_once(R"("at": [1, 2])");  // of the old handle and of the new one
    CHECK(finds() == first + 1);
    for(int i = 0; i < 3; ++i) {
        decrypts_once(R"("at": 1)");
    }
    CHECK(finds() == first + 1);
}

TEST_CASE("a token that takes paddings off and breaks is found out, and how wrong paddings are tells nothing of it") {
    const HsmStore store(faulty);
    const auto backend = store.open();
    store.fault().inject(no_raw_rsa);
    const auto key = backend->use(make_key(*backend, "d", "rsa-2048", "decrypt"), {});
    const Botan::PK_Decryptor_EME decryptor(*key, rng(), "PKCS1v15");
    const auto right = encrypted(*key, "PKCS1v15");
    const auto wrong = encrypted(*key, "OAEP(SHA-1)");
    // How often the token is asked for each ciphertext of a row, which is what an eavesdropper sees by the time that it takes.
    const auto asked = [&](const std::function<const Bytes&(int)>& next) {
        std::vector<std::uint64_t> calls;
        for(int i = 0; i < 64; ++i) {
            store.fault().reset_counters();
            const bool is_right = &next(i) == &right;
            bool came_out = true;
            try {
                static_cast<void>(decryptor.decrypt(next(i)));
            } catch(const Botan::Decoding_Error&) {
                came_out = false;
            }
            CHECK(came_out == is_right);
            calls.push_back(store.fault().calls("C_Decrypt"));
        }
        return calls;
    };
    const auto all_right = asked([&](int) -> const Bytes& { return right; });
    CHECK(std::ranges::count(all_right, 1U) == 62);
    CHECK(std::ranges::count(all_right, 2U) == 2);  // a challenge of our own beside it
    CHECK(asked([&](int) -> const Bytes& { return wrong; }).size() == all_right.size());
    CHECK(asked([&](int i) -> const Bytes& { return i % 2 == 0 ? right : wrong; }).size() == all_right.size());

    store.fault().inject(refused("C_Decrypt", "CKR_FUNCTION_FAILED", R"("every": 1)"));
    std::optional<Error> found_out;
    int wrong_paddings = 0;
    while(!found_out && wrong_paddings < 64) {
        try {
            static_cast<void>(decryptor.decrypt(right));
            FAIL("it decrypts");
        } catch(const Botan::Decoding_Error&) {
            ++wrong_paddings;
        } catch(const Error& error) {
            found_out = error;
        }
    }
    INFO(wrong_paddings);
    REQUIRE(found_out);
    CHECK(found_out->code() == Errc::token_failed);
    CHECK(found_out->return_value() == "CKR_FUNCTION_FAILED");
    CHECK(wrong_paddings <= 32);
    // As long as it is broken, that is told.
    CHECK_RAISES(decryptor.decrypt(right), Errc::token_failed);
    CHECK_RAISES(decryptor.decrypt(wrong), Errc::token_failed);
    store.fault().clear();
    store.fault().inject(no_raw_rsa);
    CHECK(decrypts(decryptor, *key, "PKCS1v15"));
}

TEST_CASE("what a token offers is asked of it, also while it moves to another slot") {
    const HsmStore store(faulty);
    const auto backend = store.open({{"deadline-ms", "3000"}});
    const auto key = backend->use(make_key(*backend, "d", "rsa-2048", "decrypt"), {});
    const auto ec = backend->use(make_key(*backend, "a", "p-256", "derive"), {});
    for(const auto* const fault : {"slot-renumbered", "device-removed"}) {
        INFO(fault);
        for(const auto* const function : {"C_GetMechanismInfo", "C_GetTokenInfo"}) {
            const auto more = fault == std::string_view("device-removed") ? R"("ms": 50, "at": 1)" : R"("at": 1)";
            store.fault().inject(fault_line(fault, function, more));
            CHECK(decrypts(Botan::PK_Decryptor_EME(*key, rng(), "OAEP(SHA-256)"), *key, "OAEP(SHA-256)"));
            store.fault().inject(fault_line(fault, function, more));
            CHECK(agrees(*ec));
            store.fault().clear();
        }
    }
    // A token that stays away is not taken for one that can nothing.
    store.fault().inject(fault_line("device-removed", "C_GetTokenInfo"));
    const auto quick = store.open({{"deadline-ms", "3000"}});
    const auto outcome = test::outcome_of([&] { static_cast<void>(Botan::PK_Decryptor_EME(*key, rng(), "OAEP(SHA-256)")); });
    INFO(outcome.text());
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == Errc::token_not_found);
    store.fault().inject(R"({"insert": "device"})");
    CHECK(decrypts(Botan::PK_Decryptor_EME(*key, rng(), "OAEP(SHA-256)"), *key, "OAEP(SHA-256)"));
}
