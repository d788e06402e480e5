// SPDX-License-Identifier: BSD-2-Clause
// Keys that go from one token to another, encrypted under keys of the moment.
#include <backends/hsm/fault_support.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/key_migration.hpp>
#include <keyway/key/wrapped_transfer.hpp>
#include <support/raises.hpp>

#include <botan/pk_keys.h>

#include <algorithm>
#include <map>
#include <set>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;

namespace {

const Clock noon = [] { return Time(std::chrono::seconds(1'800'000'000)); };

/// Two tokens of one SoftHSM, with a backend each.
class TwoTokens {
public:
    explicit TwoTokens(std::string_view deadline) : TwoTokens(HsmStore::Through::softhsm, deadline) {}
    explicit TwoTokens(HsmStore::Through through = HsmStore::Through::softhsm, std::string_view deadline = "60000") : store(through) {
        const auto& other = store.token().store().add_token({.label = "the other"});
        const auto pin = "file:" + other.user_pin_file.string();
        // Longer than usual: a busy machine takes seconds to make an RSA key, and nothing is tried again after the deadline.
        from = store.open({{"deadline-ms", deadline}});
        to = store.open({{"token-label", other.label}, {"user-pin", pin}, {"deadline-ms", deadline}});
    }

    CreatedKey make(std::string_view label, std::string_view kind) {
        return from->create(KeySpec::parse(kind), HsmStore::options(Phase::create, {{"label", label}, {"extractable", "true"}}));
    }

    KeyMigration migration(const KeyRef& ref) {
        return {.from = *from, .ref = ref, .use = {}, .to = *to, .store = HsmStore::options(Phase::store, {{"label", "new"}})};
    }

    MigrationReceipt migrate(const KeyRef& ref) { return migrate_key(migration(ref), noon, {}); }

    /// How many objects of a class there are in both tokens, those of sessions included.
    std::size_t count(CK_OBJECT_CLASS object_class) const {
        std::size_t out = 0;
        const auto module = pkcs11::Module::open(store.module());
        for(const auto& token : store.token().store().tokens()) {
            pkcs11::Token opened(module, {.label = token.label, .serial = {}, .manufacturer = {}, .model = {}}, {});
            opened.with_session(pkcs11::SessionMode::read_only, [&] { return Secret(token.user_pin); }, [&](const pkcs11::Session& session) {
                pkcs11::Template wanted;
                wanted.add_number(CKA_CLASS, object_class);
                out += pkcs11::find_objects(session, std::move(wanted)).size();
            });
        }
        return out;
    }

    /// So many key pairs, and nothing else.
    bool holds_pairs(std::size_t pairs) const {
        return store.objects() == 2 * pairs && count(CKO_PRIVATE_KEY) == pairs && count(CKO_PUBLIC_KEY) == pairs &&
               count(CKO_SECRET_KEY) == 0;
    }

    HsmStore store;
    std::unique_ptr<KeyBackend> from;
    std::unique_ptr<KeyBackend> to;
};

}  // namespace

TEST_CASE("a key goes from token to token encrypted, and nothing of the way stays") {
    TwoTokens tokens;
    const std::vector<std::string> kinds{"p-256", "p-521", "secp256k1", "rsa-2048"};
    for(const auto& kind : kinds) {
        INFO(kind);
        const auto made = tokens.make("old", kind);
        const auto migration = tokens.migration(made.ref);
        require_movable(migration);
        CHECK(tokens.holds_pairs(1));
        const auto receipt = tokens.migrate(made.ref);
        CHECK(receipt.way == MigrationWay::wrapped);
        CHECK(receipt.to_json().find("\"how\": \"wrapped\"") != std::string::npos);
        CHECK(receipt.to.fingerprint() == made.ref.fingerprint());
        CHECK(tokens.holds_pairs(2));
        CHECK(!tokens.to->check(receipt.to, {}));
        const auto listed = dynamic_cast<KeyLister&>(*tokens.to).list({}).keys;
        REQUIRE(listed.size() == 1);
        CHECK(std::ranges::count(listed[0].attributes, std::pair<std::string, std::string>{"extractable", "no"}) == 1);
        CHECK(std::ranges::count(listed[0].attributes, std::pair<std::string, std::string>{"sensitive", "yes"}) == 1);
        // The label is taken, which is seen before anything is made.
        CHECK_RAISES(tokens.migrate(made.ref), Errc::already_exists);
        CHECK(tokens.holds_pairs(2));
        dynamic_cast<KeyRemover&>(*tokens.from).remove(made.ref, {});
        dynamic_cast<KeyRemover&>(*tokens.to).remove(receipt.to, {});
    }
}

TEST_CASE("a key goes to another label in the same token, encrypted too") {
    TwoTokens tokens;
    const auto made = tokens.make("old", "p-256");
    auto migration = tokens.migration(made.ref);
    const KeyMigration within{.from = *tokens.from, .ref = made.ref, .use = {}, .to = *tokens.from, .store = migration.store};
    const auto receipt = migrate_key(within, noon, {});
    CHECK(receipt.way == MigrationWay::wrapped);
    CHECK(tokens.holds_pairs(2));
}

TEST_CASE("the deadline is for getting over faults, and no limit for a transfer that meets none") {
    TwoTokens tokens("1");
    CHECK(tokens.migrate(tokens.make("old", "p-256").ref).way == MigrationWay::wrapped);
    CHECK(tokens.holds_pairs(2));
}

TEST_CASE("a key that may not leave its token says why, and nothing is made for it") {
    TwoTokens tokens;
    const auto fixed = HsmStore::create(*tokens.from, "fixed").ref;
    const auto migration = tokens.migration(fixed);
    for(const auto& error : {test::raised([&] { return require_movable(migration), 0; }), test::raised([&] { return tokens.migrate(fixed); })}) {
        CHECK(error.code() == Errc::unsupported);
        CHECK(error.message().ends_with(" keeps the key for good (CKA_EXTRACTABLE is false)"));
        CHECK(error.backend() == "hsm");
    }
    // One that only trusted keys may wrap.
    const auto software = test::software_key();
    {
        const HsmStore::Direct direct(tokens.store);
        const auto& session = direct.session();
        pkcs11::NewObjects made(session);
        auto imported = pkcs11::import_key(session, *software, {.label = "draft", .id = {1}, .usage = {}, .extractable = true}, made);
        made.keep();
        pkcs11::Template attributes;
        attributes.add_number(CKA_CLASS, CKO_PRIVATE_KEY).add_number(CKA_KEY_TYPE, CKK_EC).add_yes(CKA_TOKEN).add_yes(CKA_PRIVATE);
        attributes.add_yes(CKA_SIGN).add_yes(CKA_EXTRACTABLE).add_yes(CKA_SENSITIVE).add_yes(CKA_WRAP_WITH_TRUSTED);
        attributes.add(CKA_EC_PARAMS, pkcs11::read_attribute(session, imported.public_objects.at(0), CKA_EC_PARAMS).value());
        attributes.add(CKA_VALUE, software->raw_private_key_bits()).add_text(CKA_LABEL, "trusting").add_text(CKA_ID, std::string_view("\x01", 1));
        REQUIRE(session.calls().C_DestroyObject(session.handle(), imported.private_object) == CKR_OK);
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        REQUIRE(session.calls().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &object) == CKR_OK);
    }
    const auto trusting = dynamic_cast<KeyAdopter&>(*tokens.from).adopt(HsmStore::options(Phase::adopt, {{"label", "trusting"}}));
    const auto error = test::raised([&] { return tokens.migrate(trusting); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("CKA_WRAP_WITH_TRUSTED is true") != std::string::npos);
    CHECK(tokens.holds_pairs(2));
    CHECK(test::signs(*tokens.from->use(fixed, {})));
}

TEST_CASE("SoftHSM wraps no Ed25519 key: that is told, and leaves nothing") {
    TwoTokens tokens;
    const auto made = tokens.make("old", "ed25519");
    const auto error = test::raised([&] { return tokens.migrate(made.ref); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().ends_with("wraps no key of this kind: CKR_KEY_NOT_WRAPPABLE"));
    CHECK(error.return_value() == "CKR_KEY_NOT_WRAPPABLE");
    CHECK(tokens.holds_pairs(1));
    CHECK(!tokens.from->check(made.ref, {}));
}

TEST_CASE("a token that lacks a mechanism is told of, beforehand too") {
    TwoTokens tokens(HsmStore::Through::fault_module);
    const auto made = tokens.make("old", "p-256");
    const auto migration = tokens.migration(made.ref);
    for(const auto& [hidden, told] : std::vector<std::pair<std::string, std::string>>{
            {R"("CKM_RSA_PKCS_OAEP")", "it lacks CKM_RSA_PKCS_OAEP for wrapping"},
            {R"("CKM_AES_KEY_WRAP_PAD")", "it lacks CKM_AES_KEY_WRAP_KWP and CKM_AES_KEY_WRAP_PAD"},
            {R"("CKM_AES_KEY_GEN")", "it lacks CKM_AES_KEY_GEN"},
            {R"("CKM_RSA_PKCS_KEY_PAIR_GEN")", "it lacks CKM_RSA_PKCS_KEY_PAIR_GEN"}}) {
        INFO(hidden);
        tokens.store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": [)" + hidden + "]}");
        for(const auto& error :
            {test::raised([&] { return require_movable(migration), 0; }), test::raised([&] { return tokens.migrate(made.ref); })}) {
            CHECK(error.code() == Errc::unsupported);
            CHECK(error.message().ends_with(told));
            CHECK(error.hint().find("; or make a new key in backend ") != std::string::npos);
        }
        tokens.store.fault().clear();
        CHECK(tokens.holds_pairs(1));
    }
    CHECK(tokens.migrate(made.ref).way == MigrationWay::wrapped);
}

TEST_CASE("what the receiving token cannot take in encrypted comes through memory, where that is asked for") {
    TwoTokens tokens(HsmStore::Through::fault_module);
    const auto made = tokens.make("old", "p-256");
    auto migration = tokens.migration(made.ref);
    tokens.store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS_KEY_PAIR_GEN"]})");
    const auto refused = test::raised([&] { return tokens.migrate(made.ref); });
    CHECK(refused.hint().find("--through-memory") != std::string::npos);
    CHECK(tokens.holds_pairs(1));
    migration.through_memory = true;
    CHECK(require_movable(migration) == MigrationWay::import);
    const auto receipt = migrate_key(migration, noon, {});
    CHECK(receipt.way == MigrationWay::import);
    CHECK(receipt.to.fingerprint() == made.ref.fingerprint());
    CHECK(tokens.holds_pairs(2));
    dynamic_cast<KeyRemover&>(*tokens.to).remove(receipt.to, {});
    tokens.store.fault().clear();

    // What shows only when it is tried: the tokens have no form in common.
    const auto other_form = R"({"fault": "return", "function": "C_UnwrapKey", "rv": "CKR_WRAPPED_KEY_INVALID", "at": 4})";
    tokens.store.fault().inject(other_form);
    CHECK_RAISES(tokens.migrate(made.ref), Errc::malformed_data);
    CHECK(tokens.holds_pairs(1));
    tokens.store.fault().clear();
    tokens.store.fault().inject(other_form);
    CHECK(migrate_key(migration, noon, {}).way == MigrationWay::import);
    CHECK(tokens.holds_pairs(2));
    tokens.store.fault().clear();

    // Where the two can do it, it goes encrypted all the same.
    auto second = tokens.migration(tokens.make("second", "p-256").ref);
    second.store = HsmStore::options(Phase::store, {{"label", "second"}});
    second.through_memory = true;
    CHECK(migrate_key(second, noon, {}).way == MigrationWay::wrapped);
}

TEST_CASE("a transfer is got over faults, or leaves nothing: at every call, before and after it was done") {
    TwoTokens tokens(HsmStore::Through::fault_module);
    const auto made = tokens.make("old", "p-256");
    // How often a move makes each call; C_UnwrapKey also tries both hashes.
    const std::map<std::string, int> calls{{"C_GenerateKeyPair", 1}, {"C_GenerateKey", 1}, {"C_WrapKey", 3},
                                           {"C_UnwrapKey", 4},       {"C_CreateObject", 2}, {"C_DestroyObject", 6}};
    std::size_t moved = 0;
    std::size_t failed = 0;
    const auto with = [&](const std::string& function, const std::string& fault) {
        INFO(function << ' ' << fault);
        tokens.store.fault().inject(fault_line("return", function, fault));
        std::optional<KeyRef> to;
        const auto outcome = test::outcome_of([&] { to = tokens.migrate(made.ref).to; });
        INFO(outcome.text());
        tokens.store.fault().clear();
        if(to) {
            ++moved;
            CHECK(tokens.holds_pairs(2));
            dynamic_cast<KeyRemover&>(*tokens.to).remove(*to, {});
        } else {
            ++failed;
            CHECK(tokens.holds_pairs(1));
        }
        CHECK(test::signs(*tokens.from->use(made.ref, {})));
        return to ? "moved" : function + ": " + outcome.text();
    };
    for(const auto& [function, times] : calls) {
        // Nobody is told that a key of the moment could not be destroyed: it goes with its session.
        // The first and the last: a move makes an RSA key each time, which is what takes long.
        for(const int at : std::set<int>{function == "C_DestroyObject" ? times : 1, times}) {
            const auto number = R"(, "at": )" + std::to_string(at);
            CHECK(with(function, R"("rv": "CKR_SESSION_HANDLE_INVALID", "when": "after")" + number) == "moved");
        }
        with(function, R"("rv": "CKR_FUNCTION_REJECTED", "when": "after", "at": )" + std::to_string(times));
    }
    CHECK(moved > failed);
    CHECK(failed > 0);
    // What does not pass.
    for(const auto* const function : {"C_WrapKey", "C_UnwrapKey", "C_CreateObject"}) {
        CHECK(with(function, R"("rv": "CKR_DEVICE_ERROR", "every": 1, "from": )" + std::to_string(calls.at(function))) != "moved");
    }
}

TEST_CASE("what the sender throws comes through, and what it sends is checked") {
    TwoTokens tokens;
    const auto made = tokens.make("old", "p-256");
    auto& receiver = dynamic_cast<WrappedKeyReceiver&>(*tokens.to);
    auto& sender = dynamic_cast<WrappedKeySender&>(*tokens.from);
    const auto options = HsmStore::options(Phase::store, {{"label", "new"}});
    int asked = 0;
    const auto error = test::raised([&] {
        return receiver.receive(*made.public_key, options, [&](const TransportKey& under) -> TransportedKey {
            ++asked;
            CHECK(under.public_key->key_length() == 3072);
            CHECK(under.hashes == std::vector<std::string>{"SHA-1"});
            CHECK(under.formats == std::vector{WrapFormat::wrap_pad});
            // As of a token that could be got over, if it were the receiver.
            throw Error(Errc::timed_out, "the line is cut").with_return_value("CKR_DEVICE_ERROR").in_backend("elsewhere");
        });
    });
    CHECK(error.message() == "the line is cut");
    CHECK(error.backend() == "elsewhere");
    CHECK(asked == 1);
    CHECK(tokens.holds_pairs(1));

    const auto changed = [&](const std::function<void(TransportedKey&)>& change) {
        return test::raised([&] {
            return receiver.receive(*made.public_key, options, [&](const TransportKey& under) {
                auto out = sender.send(made.ref, under, {});
                change(out);
                return out;
            });
        });
    };
    const auto damaged = changed([](auto& sent) { sent.private_key[9] = static_cast<std::uint8_t>(sent.private_key[9] ^ 1U); });
    CHECK(damaged.code() == Errc::malformed_data);
    CHECK(damaged.message() == R"(token "the other" cannot unwrap what the other token wrapped by CKM_AES_KEY_WRAP_PAD)");
    CHECK(changed([](auto& sent) { sent.hash = "MD5"; }).code() == Errc::malformed_data);
    CHECK(changed([](auto& sent) { sent.secret[9] = static_cast<std::uint8_t>(sent.secret[9] ^ 1U); }).code() == Errc::token_failed);
    CHECK(tokens.holds_pairs(1));
    // Another key than the one that was said to come.
    const auto other = tokens.make("other", "p-256");
    const auto swapped = test::raised([&] {
        return receiver.receive(*made.public_key, options, [&](const TransportKey& under) { return sender.send(other.ref, under, {}); });
    });
    CHECK(swapped.code() == Errc::verification_failed);
    CHECK(tokens.holds_pairs(2));
    // A transport key that is too short.
    CHECK_RAISES(sender.send(made.ref, {.public_key = made.public_key, .hashes = {"SHA-1"}, .formats = {WrapFormat::wrap_pad}}, {}),
                 Errc::invalid_argument);
}
