// SPDX-License-Identifier: BSD-2-Clause
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <keyway/key/wrapping_key_store.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

WrappingKeyStore& wrapping(KeyBackend& backend) {
    return dynamic_cast<WrappingKeyStore&>(backend);
}

std::size_t secret_keys(const HsmStore& store, std::string_view label) {
    return HsmStore::Direct(store).find(CKO_SECRET_KEY, label).size();
}

/// How making a key of the label ends.
std::optional<Errc> made_by(KeyBackend& backend, const std::string& label) {
    try {
        wrapping(backend).create_wrapping_key(label, {});
        return std::nullopt;
    } catch(const Error& error) {
        return error.code();
    }
}

}  // namespace

TEST_CASE("an AES key for wrapping is made, found and removed") {
    const HsmStore store;
    const HsmStore::Direct direct(store);
    const auto& session = direct.session();
    const pkcs11::KeySelector by_label{.id = std::nullopt, .label = "kek"};
    {
        pkcs11::NewObjects dropped(session);
        static_cast<void>(pkcs11::generate_wrapping_key(session, {.label = "kek", .id = {1}}, "it", dropped));
    }
    CHECK_RAISES(pkcs11::find_wrapping_key(session, by_label, "it"), Errc::key_not_found);

    pkcs11::NewObjects made(session);
    const auto object = pkcs11::generate_wrapping_key(session, {.label = "kek", .id = {1}}, "it", made);
    made.keep();
    CHECK(pkcs11::find_wrapping_key(session, by_label, "it") == object);
    CHECK(pkcs11::find_wrapping_key(session, {.id = std::vector<std::uint8_t>{1}, .label = "kek"}, "it") == object);
    CHECK(pkcs11::read_flag(session, object, CKA_SENSITIVE) == true);
    CHECK(pkcs11::read_flag(session, object, CKA_EXTRACTABLE) == false);
    CHECK(pkcs11::read_flag(session, object, CKA_DECRYPT) == false);
    CHECK_RAISES(pkcs11::require_free_names(session, pkcs11::NewWrappingKey{.label = "kek", .id = {2}}, "it"), Errc::already_exists);
    CHECK_RAISES(pkcs11::require_free_names(session, pkcs11::NewWrappingKey{.label = "x", .id = {1}}, "it"), Errc::already_exists);
    CHECK_NOTHROW(pkcs11::require_free_names(session, pkcs11::NewWrappingKey{.label = "x", .id = {2}}, "it"));
    CHECK_RAISES(pkcs11::generate_wrapping_key(session, {.label = "x", .id = {2}, .bytes = 17}, "it", made),
                 Errc::invalid_argument);
    const auto missing = test::raised([&] { return pkcs11::find_wrapping_key(session, {.id = std::nullopt, .label = "x"}, "it"); });
    CHECK(missing.hint() == "it holds: \"kek\" (id 01)");

    direct.set(object, CKA_UNWRAP, std::string(1, '\0'));  // another program's, say
    CHECK_RAISES(pkcs11::find_wrapping_key(session, by_label, "it"), Errc::unsupported);
    direct.set(object, CKA_UNWRAP, std::string(1, '\1'));
    pkcs11::destroy_wrapping_key(session, by_label, "it");
    CHECK_RAISES(pkcs11::destroy_wrapping_key(session, by_label, "it"), Errc::key_not_found);
}

TEST_CASE("an AES key that anybody could have put into the token, or that may leave it, wraps nothing") {
    const HsmStore store;
    const HsmStore::Direct direct(store);
    const auto& session = direct.session();
    const pkcs11::KeySelector by_label{.id = std::nullopt, .label = "kek"};
    const auto put = [&](bool is_private, bool is_sensitive) {
        pkcs11::Template attributes;
        attributes.add_number(CKA_CLASS, CKO_SECRET_KEY).add_number(CKA_KEY_TYPE, CKK_AES).add_yes(CKA_TOKEN);
        attributes.add_text(CKA_LABEL, "kek").add(CKA_VALUE, std::vector<std::uint8_t>(32, 'A')).add_yes(CKA_WRAP).add_yes(CKA_UNWRAP);
        is_private ? attributes.add_yes(CKA_PRIVATE) : attributes.add_no(CKA_PRIVATE);
        is_sensitive ? attributes.add_yes(CKA_SENSITIVE).add_no(CKA_EXTRACTABLE)
                     : attributes.add_no(CKA_SENSITIVE).add_yes(CKA_EXTRACTABLE);
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        REQUIRE(session.calls().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &object) == CKR_OK);
        return object;
    };
    // A session without a login can make this one.
    static_cast<void>(put(false, false));
    CHECK_RAISES(pkcs11::find_wrapping_key(session, by_label, "it"), Errc::key_not_found);
    const auto loose = put(true, false);
    CHECK_RAISES(pkcs11::find_wrapping_key(session, by_label, "it"), Errc::unsupported);
    REQUIRE(session.calls().C_DestroyObject(session.handle(), loose) == CKR_OK);
    const auto good = put(true, true);
    CHECK(pkcs11::find_wrapping_key(session, by_label, "it") == good);
}

TEST_CASE("AES keys that wrap are listed, and removed by label and id") {
    const HsmStore store;
    const auto backend = store.open();
    auto& keys = wrapping(*backend);
    CHECK(keys.list_wrapping_keys({}).empty());
    const auto made = keys.create_wrapping_key("kek", {});
    static_cast<void>(keys.create_wrapping_key("a", {}));
    const auto listed = keys.list_wrapping_keys({});
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].label == "a");
    CHECK(listed[1].label == "kek");
    CHECK(listed[1].id == made.id);
    CHECK(listed[1].type == "aes-256");
    CHECK(listed[1].attributes == made.attributes);
    CHECK(listed[1].attributes == std::vector<std::pair<std::string, std::string>>{
                                      {"id", made.id}, {"token", store.token().label()}, {"sensitive", "yes"}, {"extractable", "no"}});
    auto another = made;
    another.id = listed[0].id;
    CHECK_RAISES(keys.remove_wrapping_key(another, {}), Errc::key_not_found);
    keys.remove_wrapping_key(made, {});
    CHECK(secret_keys(store, "kek") == 0);
    CHECK(secret_keys(store, "a") == 1);
}

TEST_CASE("a key pair does not take the label of an AES key, nor an AES key that of a key pair") {
    const HsmStore store;
    const auto backend = store.open();
    static_cast<void>(wrapping(*backend).create_wrapping_key("kek", {}));
    CHECK_RAISES(HsmStore::create(*backend, "kek"), Errc::already_exists);
    static_cast<void>(HsmStore::create(*backend, "pair"));
    CHECK(made_by(*backend, "pair") == Errc::already_exists);
    CHECK(secret_keys(store, "pair") == 0);
}

TEST_CASE("of threads that make an AES key of one label, one has it, and nothing of the others is left") {
    const HsmStore store;
    for(int round = 0; round < 3; ++round) {
        const auto label = "kek-" + std::to_string(round);
        const auto shared = store.open();
        const auto own = store.open();
        constexpr std::size_t makers = 6;
        std::vector<std::optional<Errc>> outcomes(makers);
        {
            std::vector<std::jthread> threads;
            for(std::size_t i = 0; i < makers; ++i) {
                // One backend of several threads, and another one, whose lock is its own.
                threads.emplace_back([&, i] { outcomes[i] = made_by(i % 3 == 0 ? *own : *shared, label); });
            }
        }
        CHECK(std::ranges::count(outcomes, std::optional<Errc>()) == 1);
        CHECK(std::ranges::count(outcomes, std::optional(Errc::already_exists)) == makers - 1);
        CHECK(secret_keys(store, label) == 1);
    }
}

TEST_CASE("of processes that make an AES key of one label at the same moment, one has it") {
    const HsmStore store(HsmStore::Through::fault_module);
    // Each has seen the label free before the first one has made its key.
    store.fault().inject(R"({"fault": "slow", "function": "C_GenerateKey", "ms": 40})");
    constexpr int makers = 4;
    std::array<int, 2> ready{};
    std::array<int, 2> go{};
    REQUIRE(::pipe(ready.data()) == 0);
    REQUIRE(::pipe(go.data()) == 0);
    std::vector<pid_t> children;
    for(int i = 0; i < makers; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        char byte = 0;
        if(child == 0) {
            try {
                ::close(go[1]);
                const auto backend = store.open();
                static_cast<void>(wrapping(*backend).list_wrapping_keys({}));  // logged in
                static_cast<void>(::write(ready[1], &byte, 1) + ::read(go[0], &byte, 1));
                const auto outcome = made_by(*backend, "kek");
                ::_exit(!outcome ? 0 : static_cast<int>(*outcome) + 1);
            } catch(...) {
                ::_exit(100);
            }
        }
        // One opens the token after the other: SoftHSM misses tokens while others are at it.
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        children.push_back(child);
    }
    ::close(go[1]);
    std::vector<int> statuses;
    for(const auto child : children) {
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        statuses.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    }
    std::ranges::sort(statuses);
    std::vector<int> expected(makers, static_cast<int>(Errc::already_exists) + 1);
    expected.front() = 0;
    CHECK(statuses == expected);
    CHECK(secret_keys(store, "kek") == 1);
    ::close(go[0]);
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("the lost answer of making or removing an AES key: it is made once, or nothing is left of it") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    store.fault().inject(
        R"({"fault": "return", "function": "C_GenerateKey", "rv": "CKR_DEVICE_ERROR", "when": "after", "times": 1})");
    const auto made = wrapping(*backend).create_wrapping_key("kek", {});
    CHECK(secret_keys(store, "kek") == 1);
    CHECK(wrapping(*backend).list_wrapping_keys({}).at(0).id == made.id);

    store.fault().inject(
        R"({"fault": "return", "function": "C_GenerateKey", "rv": "CKR_TEMPLATE_INCONSISTENT", "when": "after", "times": 1})");
    CHECK(made_by(*backend, "other").has_value());
    CHECK(secret_keys(store, "other") == 0);

    store.fault().inject(
        R"({"fault": "return", "function": "C_DestroyObject", "rv": "CKR_DEVICE_ERROR", "when": "after", "times": 1})");
    wrapping(*backend).remove_wrapping_key(made, {});
    CHECK(secret_keys(store, "kek") == 0);
}
