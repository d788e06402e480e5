// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/envelope_internal.hpp>

#include <botan/aead.h>
#include <botan/base64.h>
#include <botan/exceptn.h>
#include <botan/system_rng.h>

namespace keyway {

namespace {

constexpr std::string_view cipher_name = "AES-256/GCM";
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

// The version of this scheme; a ciphertext of another version does not open.
constexpr std::string_view scheme = "keyway-database-1";

void append(std::vector<std::uint8_t>& out, std::string_view field) {
    for(unsigned shift = 32; shift > 0; shift -= 8) {
        out.push_back(static_cast<std::uint8_t>(field.size() >> (shift - 8)));
    }
    out.insert(out.end(), field.begin(), field.end());
}

}  // namespace

std::vector<std::uint8_t> associated_data(std::string_view purpose,
                                          std::initializer_list<std::string_view> names) {
    std::vector<std::uint8_t> out;
    append(out, scheme);
    append(out, purpose);
    for(const auto name : names) {
        append(out, name);
    }
    return out;
}

std::string seal(std::span<const std::uint8_t> key,
                 std::span<const std::uint8_t> plaintext,
                 std::span<const std::uint8_t> associated) {
    const auto nonce = Botan::system_rng().random_vec(nonce_size);
    const auto cipher = Botan::AEAD_Mode::create_or_throw(cipher_name, Botan::Cipher_Dir::Encryption);
    cipher->set_key(key);
    cipher->set_associated_data(associated);
    cipher->start(nonce);
    Botan::secure_vector<std::uint8_t> bytes(nonce);
    bytes.insert(bytes.end(), plaintext.begin(), plaintext.end());
    cipher->finish(bytes, nonce_size);
    return Botan::base64_encode(bytes);
}

std::optional<Botan::secure_vector<std::uint8_t>> unseal(std::span<const std::uint8_t> key,
                                                         std::string_view sealed,
                                                         std::span<const std::uint8_t> associated) {
    try {
        auto bytes = Botan::base64_decode(sealed);
        if(bytes.size() < nonce_size + tag_size) {
            return std::nullopt;
        }
        const auto cipher = Botan::AEAD_Mode::create_or_throw(cipher_name, Botan::Cipher_Dir::Decryption);
        cipher->set_key(key);
        cipher->set_associated_data(associated);
        cipher->start(std::span(bytes).first(nonce_size));
        cipher->finish(bytes, nonce_size);
        bytes.erase(bytes.begin(), bytes.begin() + nonce_size);
        return bytes;
    } catch(const Botan::Invalid_Authentication_Tag&) {
        return std::nullopt;
    } catch(const Botan::Invalid_Argument&) {  // not base64
        return std::nullopt;
    }
}

}  // namespace keyway
