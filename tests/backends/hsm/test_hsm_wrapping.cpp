// SPDX-License-Identifier: BSD-2-Clause
// An AES key in a token wraps and unwraps keys, in the formats of RFC 3394 and RFC 5649.
#include <backends/hsm/hsm_store.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/keys/key_wrapping_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>
#include <support/raises.hpp>

#include <botan/block_cipher.h>
#include <botan/data_src.h>
#include <botan/nist_keywrap.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <algorithm>

using namespace keyway;
using keyway::test::HsmStore;
using Bytes = std::vector<std::uint8_t>;
using WipedBytes = Botan::secure_vector<std::uint8_t>;

namespace {

auto& rng() {
    return Botan::system_rng();
}

/// A wrapping key whose value is known here, so that Botan can be the judge.
class KnownKey {
public:
    explicit KnownKey(const HsmStore::Direct& direct) : cipher_(Botan::BlockCipher::create_or_throw("AES-256")) {
        const auto value = rng().random_vec(32);
        cipher_->set_key(value);
        pkcs11::Template attributes;
        attributes.add_number(CKA_CLASS, CKO_SECRET_KEY).add_number(CKA_KEY_TYPE, CKK_AES).add(CKA_VALUE, value);
        attributes.add_yes(CKA_TOKEN).add_yes(CKA_WRAP).add_yes(CKA_UNWRAP).add_text(CKA_LABEL, "kek");
        attributes.add_yes(CKA_PRIVATE).add_yes(CKA_SENSITIVE).add_no(CKA_EXTRACTABLE);
        const auto& session = direct.session();
        REQUIRE(session.calls().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &handle_) == CKR_OK);
        CHECK(pkcs11::find_wrapping_key(session, {.id = std::nullopt, .label = "kek"}, "it") == handle_);
    }

    [[nodiscard]] CK_OBJECT_HANDLE handle() const { return handle_; }
    [[nodiscard]] const Botan::BlockCipher& cipher() const { return *cipher_; }

    [[nodiscard]] WipedBytes unwrap(const pkcs11::WrappedKey& wrapped) const {
        return wrapped.mechanism == CKM_AES_KEY_WRAP ? Botan::nist_key_unwrap(wrapped.bytes, *cipher_)
                                                     : Botan::nist_key_unwrap_padded(wrapped.bytes, *cipher_);
    }

private:
    std::unique_ptr<Botan::BlockCipher> cipher_;
    CK_OBJECT_HANDLE handle_ = CK_INVALID_HANDLE;
};

/// How long the DER at the beginning is: SoftHSM adds zeros up to whole blocks.
std::size_t der_bytes(const WipedBytes& bytes) {
    REQUIRE(bytes.size() > 4);
    return bytes[1] < 0x80   ? 2U + bytes[1]
           : bytes[1] == 0x81 ? 3U + bytes[2]
                              : 4U + bytes[2] * 256U + bytes[3];
}

std::size_t secrets_in(const HsmStore::Direct& direct) {
    pkcs11::Template wanted;
    wanted.add_number(CKA_CLASS, CKO_SECRET_KEY);
    return pkcs11::find_objects(direct.session(), std::move(wanted)).size();
}

}  // namespace

TEST_CASE("bytes are wrapped as Botan wraps them, and unwrapped, and leave nothing in the token") {
    const HsmStore store;
    const HsmStore::Direct direct(store);
    const auto& session = direct.session();
    const KnownKey kek(direct);
    for(const std::size_t size : {16U, 32U, 64U, 1U, 7U, 33U}) {
        INFO(size);
        const auto secret = rng().random_vec(size);
        if(size % 8 != 0) {  // SoftHSM adds zeros
            CHECK_RAISES(pkcs11::wrap_bytes(session, kek.handle(), secret), Errc::unsupported);
        } else {
            const auto wrapped = pkcs11::wrap_bytes(session, kek.handle(), secret);
            CHECK(wrapped.mechanism == CKM_AES_KEY_WRAP);
            CHECK(kek.unwrap(wrapped) == secret);
            CHECK(pkcs11::unwrap_bytes(session, kek.handle(), wrapped) == secret);
        }
        const pkcs11::WrappedKey by_botan{.mechanism = CKM_AES_KEY_WRAP_PAD,
                                          .bytes = Botan::nist_key_wrap_padded(secret, kek.cipher())};
        CHECK(pkcs11::unwrap_bytes(session, kek.handle(), by_botan) == secret);
    }
    CHECK(secrets_in(direct) == 1);
    CHECK_RAISES(pkcs11::wrap_bytes(session, kek.handle(), {}), Errc::invalid_argument);
}

TEST_CASE("what another key wrapped, or is damaged, is told as such, and a broken token is not") {
    const HsmStore store(HsmStore::Through::fault_module);
    const HsmStore::Direct direct(store);
    const auto& session = direct.session();
    const KnownKey kek(direct);
    auto wrapped = pkcs11::wrap_bytes(session, kek.handle(), rng().random_vec(32));
    const auto good = wrapped;
    wrapped.bytes[5] = static_cast<std::uint8_t>(wrapped.bytes[5] ^ 1U);
    CHECK_RAISES(pkcs11::unwrap_bytes(session, kek.handle(), wrapped), Errc::malformed_data);
    wrapped.bytes.resize(13);
    CHECK_RAISES(pkcs11::unwrap_bytes(session, kek.handle(), wrapped), Errc::malformed_data);
    CHECK_RAISES(pkcs11::unwrap_bytes(session, kek.handle(), {.mechanism = CKM_AES_KEY_WRAP_KWP, .bytes = good.bytes}),
                 Errc::unsupported);
    store.fault().inject(R"({"fault": "return", "function": "C_UnwrapKey", "rv": "CKR_GENERAL_ERROR", "times": 2})");
    CHECK_RAISES(pkcs11::unwrap_bytes(session, kek.handle(), good), Errc::token_failed);
    CHECK(pkcs11::unwrap_bytes(session, kek.handle(), good).size() == 32);
    CHECK(secrets_in(direct) == 1);

    store.fault().inject(R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_AES_KEY_WRAP_PAD"]})");
    CHECK_RAISES(pkcs11::wrap_bytes(session, kek.handle(), rng().random_vec(33)), Errc::unsupported);
    CHECK(pkcs11::wrap_bytes(session, kek.handle(), rng().random_vec(32)).mechanism == CKM_AES_KEY_WRAP);
}

TEST_CASE("a private key goes out wrapped as PKCS#8, and comes back to another name") {
    const HsmStore store;
    const auto backend = store.open();
    const HsmStore::Direct direct(store);
    const auto& session = direct.session();
    const KnownKey kek(direct);
    for(const std::string kind : {"p-256", "rsa-2048"}) {
        INFO(kind);
        const auto made = backend->create(
            KeySpec::parse(kind), HsmStore::options(Phase::create, {{"label", kind}, {"extractable", "true"}}));
        const auto wrapped = pkcs11::wrap_key(session, kek.handle(), direct.find(CKO_PRIVATE_KEY, kind).at(0), CKM_AES_KEY_WRAP_PAD);
        const auto out = kek.unwrap(wrapped);
        Botan::DataSource_Memory pkcs8(out.data(), der_bytes(out));
        CHECK(SpkiFingerprint::of(*Botan::PKCS8::load_key(pkcs8)) == made.ref.fingerprint());
        CHECK(std::ranges::all_of(out.begin() + static_cast<std::ptrdiff_t>(der_bytes(out)), out.end(),
                                  [](std::uint8_t byte) { return byte == 0; }));

        pkcs11::NewObjects kept(session);
        const auto back = pkcs11::unwrap_key(session, kek.handle(), wrapped, *made.public_key,
                                             {.label = "back " + kind, .id = {9, static_cast<std::uint8_t>(kind.size())}}, kept);
        CHECK(pkcs11::read_flag(session, back.private_object, CKA_EXTRACTABLE) == false);
        CHECK(pkcs11::read_flag(session, back.private_object, CKA_SENSITIVE) == true);
        const auto ref = dynamic_cast<KeyAdopter&>(*backend).adopt(HsmStore::options(Phase::adopt, {{"label", "back " + kind}}));
        CHECK(ref.fingerprint() == made.ref.fingerprint());
        CHECK_RAISES(pkcs11::wrap_key(session, kek.handle(), back.private_object, CKM_AES_KEY_WRAP_PAD), Errc::unsupported);
    }
}

TEST_CASE("a key wrapped elsewhere is unwrapped, and a damaged one leaves nothing") {
    const HsmStore store;
    const HsmStore::Direct direct(store);
    const auto& session = direct.session();
    const KnownKey kek(direct);
    const auto source = generate_software_key(KeySpec::parse("p-384"));
    pkcs11::WrappedKey wrapped{.mechanism = CKM_AES_KEY_WRAP_PAD,
                               .bytes = Botan::nist_key_wrap_padded(source->private_key_info(), kek.cipher())};
    {
        pkcs11::NewObjects kept(session);
        static_cast<void>(pkcs11::unwrap_key(session, kek.handle(), wrapped, *source->public_key(), {.label = "k", .id = {1}}, kept));
        const auto ref = dynamic_cast<KeyAdopter&>(*store.open()).adopt(HsmStore::options(Phase::adopt, {{"label", "k"}}));
        CHECK(ref.fingerprint() == SpkiFingerprint::of(*source));
    }
    const auto before = store.objects();
    wrapped.bytes[20] = static_cast<std::uint8_t>(wrapped.bytes[20] ^ 1U);
    {
        pkcs11::NewObjects dropped(session);
        CHECK_RAISES(pkcs11::unwrap_key(session, kek.handle(), wrapped, *source->public_key(), {.label = "x", .id = {2}}, dropped),
                     Errc::malformed_data);
    }
    CHECK(store.objects() == before);
}
