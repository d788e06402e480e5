// SPDX-License-Identifier: BSD-2-Clause
// Key-encryption keys that are wrapped by an AES key in SoftHSM, by RFC 3394.
#include <keyway/key/wrapping_key_store.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>

#include <botan/pk_keys.h>

#include <backends/database/wrapping_support.hpp>
#include <backends/hsm/hsm_store.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::HsmStore;
using keyway::test::OpenedBackend;
using keyway::test::raised;

namespace {

/// A token with AES keys, for databases of the alias "hsm".
class Token {
public:
    explicit Token(HsmStore::Through through = HsmStore::Through::softhsm) : store_(through), backend_(store_.open()) {}

    void make(const std::string& label) const { keys().create_wrapping_key(label, {}); }
    void destroy(const std::string& label) const {
        pkcs11::destroy_wrapping_key(HsmStore::Direct(store_).session(), {.id = std::nullopt, .label = label}, "it");
    }
    [[nodiscard]] std::unique_ptr<KeyWrapper> wrapper(const std::string& label) const { return keys().open_wrapping_key(label, {}); }
    [[nodiscard]] const HsmStore& store() const { return store_; }

    [[nodiscard]] OpenedBackend under(const DatabasePlace& place, const std::string& wrapping_key) const {
        return test::opened_under(place, wrapping_key, [this](const WrappingKeyName& name) {
            ++opened;
            if(auto found = wrapper(name.label())) {
                return found;
            }
            throw Error(Errc::key_not_found, "there is no key " + in_quotes(name.label()));
        });
    }

    mutable int opened = 0;

private:
    [[nodiscard]] WrappingKeyStore& keys() const { return dynamic_cast<WrappingKeyStore&>(*backend_); }

    HsmStore store_;
    std::unique_ptr<KeyBackend> backend_;
};

const std::vector<std::uint8_t> purpose{1, 2, 3};

}  // namespace

TEST_CASE("an AES key in a token wraps for one purpose, and is known again") {
    const Token token;
    token.make("kek");
    token.make("other");
    CHECK(raised([&] { token.make("kek"); }).code() == Errc::already_exists);
    CHECK(token.wrapper("none") == nullptr);
    const auto kek = token.wrapper("kek");
    const Secret secret(std::string(32, 's'));
    const auto wrapped = kek->wrap(secret, purpose);
    CHECK(wrapped.mechanism == "AES-KEY-WRAP");
    CHECK(wrapped.bytes.size() == 72);
    CHECK(token.wrapper("kek")->unwrap(wrapped, purpose).reveal() == secret.reveal());
    const std::vector<std::uint8_t> another{1, 2, 4};
    CHECK(raised([&] { return kek->unwrap(wrapped, another); }).code() == Errc::malformed_data);
    CHECK(raised([&] { return token.wrapper("other")->unwrap(wrapped, purpose); }).code() == Errc::malformed_data);
    auto renamed = wrapped;
    renamed.mechanism = "AES-KEY-WRAP-2";
    CHECK(raised([&] { return kek->unwrap(renamed, purpose); }).code() == Errc::unsupported);

    CHECK(kek->fingerprint({}).size() == 64);
    CHECK(kek->fingerprint({}) == token.wrapper("kek")->fingerprint("AES-KEY-WRAP"));
    CHECK(kek->fingerprint({}) != kek->fingerprint("AES-KEY-WRAP-PAD"));
    CHECK(kek->fingerprint({}) != token.wrapper("other")->fingerprint({}));
}

TEST_CASE("a database under an AES key: no passphrase, and the token is asked once for each opening") {
    const DatabasePlace place;
    const Token token;
    token.make("kek");
    const auto backend = token.under(place, "hsm:kek");
    const auto ref = backend.create("p-256", {{"label", "a"}}).ref;
    for(int i = 0; i < 3; ++i) {
        CHECK(!backend.check(ref));
    }
    CHECK(token.opened == 1);
    CHECK(backend.reads() == 0);
    CHECK(place.answer("select wrap_mechanism || ' ' || wrapped_by from key_encryption_key") ==
          "AES-KEY-WRAP " + token.wrapper("kek")->fingerprint({}));
    CHECK(!token.under(place, "hsm:kek").check(ref));

    token.make("next");
    CHECK(test::rewrap(backend, {.new_wrapping_key = WrappingKeyName(BackendAlias("hsm"), "next")}).rewrapped == 1);
    CHECK(!token.under(place, "hsm:next").check(ref));
    CHECK(token.under(place, "hsm:kek").check(ref)->code() == Errc::key_mismatch);
}

TEST_CASE("a wrapping key that is lost, or replaced by another of its name, is named as what it is") {
    const DatabasePlace place;
    const Token token;
    token.make("kek");
    const auto ref = token.under(place, "hsm:kek").create("p-256", {{"label", "a"}}).ref;
    const auto fingerprint = token.wrapper("kek")->fingerprint({});
    token.destroy("kek");
    const auto lost = *token.under(place, "hsm:kek").check(ref);
    CHECK(lost.code() == Errc::key_not_found);
    CHECK(lost.message().starts_with("the wrapping key \"hsm:kek\" of the database "));
    CHECK(lost.hint().find("without this key no key of the database can be opened") != std::string::npos);

    token.make("kek");
    const auto replaced = *token.under(place, "hsm:kek").check(ref);
    CHECK(replaced.code() == Errc::key_mismatch);
    CHECK(replaced.message().find("under another wrapping key than the one meant: its fingerprint is " + fingerprint) !=
          std::string::npos);
    CHECK(replaced.hint().find(token.wrapper("kek")->fingerprint({}) + ", which is \"hsm:kek\"") != std::string::npos);
    CHECK(raised([&] { return token.under(place, "hsm:kek").create("p-256", {{"label", "b"}}); }).code() == Errc::key_mismatch);
    // A record that was changed is no matter of the key.
    place.execute("update key_encryption_key set wrapped_by = '" + token.wrapper("kek")->fingerprint({}) + "'");
    CHECK(token.under(place, "hsm:kek").check(ref)->code() == Errc::malformed_data);
}

TEST_CASE("a token without a mechanism for it, or that keeps all secrets, is refused before anything is stored") {
    const DatabasePlace place;
    const Token token(HsmStore::Through::fault_module);
    token.make("kek");
    token.store().fault().inject(
        R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD"]})");
    const auto error = raised([&] { return token.under(place, "hsm:kek").create("p-256", {{"label", "a"}}); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().starts_with("the wrapping key \"hsm:kek\" of the database "));
    CHECK(!std::filesystem::exists(place.path()));
}
