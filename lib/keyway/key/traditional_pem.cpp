// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/pbes2_internal.hpp>
#include <keyway/key/traditional_pem_internal.hpp>

#include <botan/cipher_mode.h>
#include <botan/hex.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <string>

namespace keyway {

namespace {

using Bytes = Botan::secure_vector<std::uint8_t>;

struct Cipher {
    std::string_view openssl;
    std::string_view botan;
};

constexpr std::array ciphers{
    Cipher{"AES-128-CBC", "AES-128/CBC"},
    Cipher{"AES-192-CBC", "AES-192/CBC"},
    Cipher{"AES-256-CBC", "AES-256/CBC"},
    Cipher{"DES-EDE3-CBC", "TripleDES/CBC"},
};

// MD5 stands here because Botan need not be built with it, and nothing else may come to use it: it keeps no secret and
// protects nothing, it only turns a passphrase into the key that OpenSSL took.
constexpr std::size_t md5_block = 64;
constexpr std::size_t salt_size = 8;

void append_word(Bytes& out, std::uint32_t word) {
    for(unsigned shift = 0; shift < 32; shift += 8) {
        out.push_back(static_cast<std::uint8_t>(word >> shift));
    }
}

void md5_compress(std::array<std::uint32_t, 4>& state, std::span<const std::uint8_t> block) {
    constexpr std::array<std::array<int, 4>, 4> rotations{{{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};
    auto [a, b, c, d] = state;
    for(std::size_t i = 0; i < 64; ++i) {
        const auto round = i / 16;
        const std::uint32_t mixed = round == 0   ? (b & c) | (~b & d)
                                    : round == 1 ? (d & b) | (~d & c)
                                    : round == 2 ? b ^ c ^ d
                                                 : c ^ (b | ~d);
        const auto place = (round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i) % 16;
        std::uint32_t word = 0;
        for(std::size_t byte = 4; byte > 0; --byte) {
            word = word << 8 | block[4 * place + byte - 1];
        }
        const auto constant =
            static_cast<std::uint32_t>(std::floor(std::ldexp(std::fabs(std::sin(static_cast<double>(i + 1))), 32)));
        const std::uint32_t next = b + std::rotl(a + mixed + constant + word, rotations[round][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

/// @spec RFC 1321
Bytes md5(Bytes message) {
    const auto bits = std::uint64_t(message.size()) * 8;
    message.push_back(0x80);
    while(message.size() % md5_block != md5_block - 8) {
        message.push_back(0);
    }
    append_word(message, static_cast<std::uint32_t>(bits));
    append_word(message, static_cast<std::uint32_t>(bits >> 32));
    std::array<std::uint32_t, 4> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    for(std::size_t at = 0; at < message.size(); at += md5_block) {
        md5_compress(state, std::span(message).subspan(at, md5_block));
    }
    Bytes digest;
    for(const auto word : state) {
        append_word(digest, word);
    }
    return digest;
}

/// EVP_BytesToKey with MD5 and a count of one: each digest is over the one before, the passphrase and the salt.
Bytes derive_key(const Secret& passphrase, std::span<const std::uint8_t> salt, std::size_t size) {
    Bytes key;
    Bytes last;
    const auto secret = passphrase.reveal();
    while(key.size() < size) {
        last.insert(last.end(), secret.begin(), secret.end());
        last.insert(last.end(), salt.begin(), salt.end());
        last = md5(std::move(last));
        key.insert(key.end(), last.begin(), last.end());
    }
    key.resize(size);
    return key;
}

Error malformed(std::string_view name, const std::string& why) {
    return {Errc::malformed_data, in_quotes(name) + " is damaged or truncated: " + why, "get an undamaged copy of it"};
}

}  // namespace

Bytes decrypt_traditional_pem(std::span<const std::uint8_t> body,
                              std::string_view dek_info,
                              const Secret& passphrase,
                              std::string_view name) {
    const auto comma = dek_info.find(',');
    const auto algorithm = dek_info.substr(0, comma);
    const auto known = std::ranges::find(ciphers, algorithm, &Cipher::openssl);
    if(known == ciphers.end()) {
        throw Error(Errc::unsupported,
                    "the old encryption of " + in_quotes(name) + " is not read here: cipher " + in_quotes(algorithm),
                    "convert it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW (OpenSSL 3 may want -provider legacy "
                    "-provider default)");
    }
    const auto cipher = Botan::Cipher_Mode::create_or_throw(known->botan, Botan::Cipher_Dir::Decryption);
    Bytes initial_vector;
    try {
        initial_vector = Botan::hex_decode_locked(comma == std::string_view::npos ? "" : dek_info.substr(comma + 1), false);
    } catch(const Botan::Exception&) {
        throw malformed(name, "its DEK-Info is not in hexadecimal");
    }
    if(initial_vector.size() != cipher->default_nonce_length() || body.empty() ||
       body.size() % cipher->update_granularity() != 0) {
        throw malformed(name, "the lengths in it do not fit");
    }
    cipher->set_key(derive_key(passphrase, std::span(initial_vector).first(salt_size),
                               cipher->key_spec().maximum_keylength()));
    cipher->start(initial_vector);
    Bytes out(body.begin(), body.end());
    try {
        cipher->finish(out);
    } catch(const Botan::Exception&) {
        throw wrong_passphrase(name);
    }
    return out;
}

}  // namespace keyway
