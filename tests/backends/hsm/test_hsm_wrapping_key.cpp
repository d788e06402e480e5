// SPDX-License-Identifier: BSD-2-Clause
#include <backends/hsm/hsm_store.hpp>
#include <support/raises.hpp>

#include <keyway/pkcs11/keys/secret_key_internal.hpp>

using namespace keyway;
using keyway::test::HsmStore;

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
    CHECK_RAISES(pkcs11::generate_wrapping_key(session, {.label = "kek", .id = {2}}, "it", made), Errc::already_exists);
    CHECK_RAISES(pkcs11::generate_wrapping_key(session, {.label = "x", .id = {1}}, "it", made), Errc::already_exists);
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
