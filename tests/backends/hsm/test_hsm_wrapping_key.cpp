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
