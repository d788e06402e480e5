// SPDX-License-Identifier: BSD-2-Clause
// Padding is taken off as Botan does it with a key in software, for good blocks and for every kind of bad ones.
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/rsa_unpadding_internal.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>
#include <support/raises.hpp>

#include <botan/numthry.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace keyway;
using Bytes = std::vector<std::uint8_t>;

namespace {

auto& rng() {
    return Botan::system_rng();
}

/// What a token's raw RSA answers: as long as the modulus.
Bytes raw(const Botan::RSA_PrivateKey& key, const Bytes& ciphertext) {
    const auto block = Botan::PK_Decryptor_EME(key, rng(), "Raw").decrypt(ciphertext);
    Bytes out(key.get_n().bytes() - block.size());
    out.insert(out.end(), block.begin(), block.end());
    return out;
}

Bytes encrypted(const Botan::RSA_PrivateKey& key, const Bytes& block) {
    const auto number = Botan::BigInt::from_bytes(block);
    return Botan::power_mod(number, key.get_e(), key.get_n()).serialize<Bytes>(key.get_n().bytes());
}

pkcs11::Unpadded unpadded(std::string_view padding, const Bytes& block) {
    const auto how = pkcs11::decryption_padding(KeySpec::rsa(2048), padding);
    return how.is_oaep ? pkcs11::unpad_oaep(block, how.hash, how.mgf_hash, Bytes(how.label.begin(), how.label.end()))
                       : pkcs11::unpad_pkcs1v15(block);
}

/// Both come to the same: the same message, or that there is none.
void check_same(const Botan::RSA_PrivateKey& key, std::string_view padding, const Bytes& block) {
    const auto ours = unpadded(padding, block);
    Bytes theirs;
    bool valid = true;
    try {
        const auto message = Botan::PK_Decryptor_EME(key, rng(), padding).decrypt(encrypted(key, block));
        theirs.assign(message.begin(), message.end());
    } catch(const Botan::Decoding_Error&) {
        valid = false;
    }
    CHECK(ours.valid == (valid ? 0xff : 0));
    CHECK(Bytes(ours.message.begin(), ours.message.end()) == theirs);
}

}  // namespace

TEST_CASE("a padding is taken off as Botan does it") {
    const Botan::RSA_PrivateKey key(rng(), 2048);
    for(const std::string padding : {"PKCS1v15", "OAEP(SHA-1)", "OAEP(SHA-256)", "OAEP(SHA-512)", "OAEP(SHA-256,MGF1(SHA-1))",
                                     "OAEP(SHA-256,MGF1,name)", "OAEP(SHA-3(256),MGF1(SHA-512),a longer name)"}) {
        INFO(padding);
        const Botan::PK_Encryptor_EME encryptor(key, rng(), padding);
        for(const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{63}, encryptor.maximum_input_size()}) {
            INFO(size);
            const auto message = rng().random_vec<Bytes>(std::min(size, encryptor.maximum_input_size()));
            const auto block = raw(key, encryptor.encrypt(message, rng()));
            const auto out = unpadded(padding, block);
            CHECK(out.valid == 0xff);
            CHECK(Bytes(out.message.begin(), out.message.end()) == message);
        }
        const auto good = raw(key, encryptor.encrypt(Bytes{1, 2, 3}, rng()));
        for(std::size_t at = 1; at < good.size(); at += at < 12 ? 1 : 7) {
            auto bad = good;
            bad[at] = static_cast<std::uint8_t>(bad[at] ^ (at % 2 == 0 ? 0x80U : 0x01U));
            INFO(at);
            check_same(key, padding, bad);
        }
    }
}

TEST_CASE("blocks that are no PKCS#1 v1.5 padding are refused as Botan does it") {
    const Botan::RSA_PrivateKey key(rng(), 2048);
    const auto block = [](std::initializer_list<std::pair<std::size_t, std::uint8_t>> changes) {
        Bytes out(256, 0x55);
        out[0] = 0;
        out[1] = 2;
        for(const auto& [at, value] : changes) {
            out[at] = value;
        }
        return out;
    };
    for(const auto& bytes : {block({}), block({{1, 1}, {20, 0}}), block({{1, 0}}), block({{2, 0}}), block({{9, 0}}), block({{10, 0}}),
                             block({{11, 0}}), block({{9, 0}, {30, 0}}), block({{255, 0}}), block({{254, 0}, {255, 0}}),
                             block({{10, 0}, {11, 0}})}) {
        check_same(key, "PKCS1v15", bytes);
    }
    CHECK(unpadded("PKCS1v15", block({{10, 0}})).message.size() == 245);
    CHECK(unpadded("PKCS1v15", block({{9, 0}})).valid == 0);
    auto first = block({{20, 0}});
    first[0] = 1;
    CHECK(unpadded("PKCS1v15", first).valid == 0);
    CHECK(unpadded("PKCS1v15", Bytes{0, 2, 0}).valid == 0);
    CHECK(unpadded("OAEP(SHA-256)", Bytes(64)).valid == 0);
    CHECK(unpadded("OAEP(SHA-256)", Bytes(256)).valid == 0);
}

TEST_CASE("paddings to decrypt with are read as Botan names them") {
    const auto rsa = KeySpec::rsa(2048);
    CHECK_FALSE(pkcs11::decryption_padding(rsa, "EME-PKCS1-v1_5").is_oaep);
    const auto oaep = pkcs11::decryption_padding(rsa, "EME1(SHA-384,MGF1(SHA-256),l)");
    CHECK(oaep.hash_mechanism == CKM_SHA384);
    CHECK(oaep.mgf == CKG_MGF1_SHA256);
    CHECK(oaep.label == "l");
    for(const auto* const padding : {"", "Raw", "OAEP", "OAEP(MD5)", "OAEP(SHA-256,MGF2)", "OAEP(SHA-256,MGF1(MD5))", "PKCS1v15(SHA-256)",
                                     "OAEP(SHA-256,MGF1,a,b)"}) {
        INFO(padding);
        CHECK_RAISES(pkcs11::decryption_padding(rsa, padding), Errc::unsupported);
    }
    CHECK_RAISES(pkcs11::decryption_padding(KeySpec::parse("p-256"), "OAEP(SHA-256)"), Errc::unsupported);
}
