// SPDX-License-Identifier: BSD-2-Clause
// What a token encrypts for this process, in the forms and with the hashes that tokens have: most of them in none that can be
// installed, so that the token is Botan here.
#include <keyway/key/key_spec.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/key/transport_in_memory_internal.hpp>
#include <support/raises.hpp>

#include <botan/block_cipher.h>
#include <botan/nist_keywrap.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

using namespace keyway;

namespace {

using Bytes = std::vector<std::uint8_t>;

enum class Form { rfc5649, pkcs7 };

struct Sending {
    std::string hash = "SHA-256";
    WrapFormat format = WrapFormat::kwp;
    Form form = Form::rfc5649;
    std::size_t secret_size = 32;
    std::string filling{};  ///< behind the key
};

/// As PKCS #11 has it: an AES key by OAEP, and PKCS #8 under that.
TransportedKey sent(const Botan::Private_Key& key, const TransportKey& under, const Sending& how) {
    auto& rng = Botan::system_rng();
    const auto secret = rng.random_vec(how.secret_size);
    const auto aes = Botan::BlockCipher::create_or_throw(how.secret_size == 32 ? "AES-256" : "AES-128");
    aes->set_key(secret);
    auto clear = key.private_key_info();
    clear.insert(clear.end(), how.filling.begin(), how.filling.end());
    const Botan::PK_Encryptor_EME encryptor(*under.public_key, rng, "OAEP(" + how.hash + ")");
    TransportedKey out{.hash = how.hash, .secret = encryptor.encrypt(secret, rng), .format = how.format, .private_key = {}};
    if(how.form == Form::pkcs7) {
        const auto padding = 8 - clear.size() % 8;
        clear.insert(clear.end(), padding, static_cast<std::uint8_t>(padding));
        out.private_key = Botan::nist_key_wrap(clear, *aes);
    } else {
        out.private_key = Botan::nist_key_wrap_padded(clear, *aes);
    }
    return out;
}

}  // namespace

TEST_CASE("a key that a token encrypted is opened, by every hash and in every form that tokens have") {
    const TransportInMemory transport;
    const auto under = transport.transport_key();
    CHECK(under.public_key->key_length() == 3072);
    for(const std::string kind : {"p-256", "p-521", "rsa-2048", "ed25519", "ed448"}) {
        const auto key = generate_software_key(KeySpec::parse(kind));
        for(const auto& how : {Sending{}, Sending{.hash = "SHA-1"}, Sending{.format = WrapFormat::wrap_pad},
                               Sending{.hash = "SHA-1", .format = WrapFormat::wrap_pad, .form = Form::pkcs7},
                               Sending{.format = WrapFormat::wrap_pad, .filling = std::string(7, '\0')}}) {
            INFO(kind << ' ' << how.hash << ' ' << static_cast<int>(how.format) << ' ' << static_cast<int>(how.form));
            const auto opened = transport.open(sent(*key, under, how), *key->public_key());
            CHECK(opened->private_key_info() == key->private_key_info());
        }
    }
}

TEST_CASE("what was changed on the way, or is another key, is not opened") {
    const TransportInMemory transport;
    const auto under = transport.transport_key();
    const auto key = generate_software_key(KeySpec::parse("p-256"));
    const auto open = [&](const TransportedKey& came) { return transport.open(came, *key->public_key()); };
    const auto refused = [&](const TransportedKey& came) { CHECK_RAISES(open(came), Errc::malformed_data); };
    const auto changed = [&](const std::function<void(TransportedKey&)>& change, const Sending& how = {}) {
        auto out = sent(*key, under, how);
        change(out);
        return out;
    };
    for(const auto form : {Form::rfc5649, Form::pkcs7}) {
        const Sending how{.format = WrapFormat::wrap_pad, .form = form};
        refused(changed([](auto& came) { came.private_key[9] ^= 1; }, how));
        refused(changed([](auto& came) { came.private_key.resize(came.private_key.size() - 8); }, how));
        refused(changed([](auto& came) { came.private_key.clear(); }, how));
    }
    // The form of PKCS #7 is none that CKM_AES_KEY_WRAP_KWP may mean.
    refused(changed([](auto&) {}, {.form = Form::pkcs7}));
    for(const auto& behind : {std::string(8, '\0'), std::string("\0x", 2), std::string("x")}) {
        refused(changed([](auto&) {}, {.filling = behind}));
    }
    refused(changed([](auto& came) { came.secret[9] ^= 1; }));
    refused(changed([](auto& came) { came.secret.clear(); }));
    refused(changed([](auto& came) { came.hash = "SHA-1"; }));
    refused(changed([](auto& came) { came.hash = "MD5"; }));
    refused(sent(*key, under, {.secret_size = 16}));
    refused(sent(*key, TransportInMemory().transport_key(), {}));
    const auto other = generate_software_key(KeySpec::parse("p-256"));
    CHECK_RAISES(open(sent(*other, under, {})), Errc::key_mismatch);
}
