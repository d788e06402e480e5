// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/key/transport_in_memory_internal.hpp>

#include <botan/block_cipher.h>
#include <botan/data_src.h>
#include <botan/nist_keywrap.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace keyway {

namespace {

using SecretBytes = Botan::secure_vector<std::uint8_t>;

constexpr std::size_t transport_bits = 3072;
constexpr std::size_t secret_bytes = 32;
constexpr std::array<const char*, 2> hashes{"SHA-256", "SHA-1"};
constexpr std::size_t wrap_block = 8;

/// The other form that tokens mean by CKM_AES_KEY_WRAP_PAD (NSS does): padded as PKCS#7 has it to whole blocks, then RFC 3394.
SecretBytes unwrap_pkcs7_padded(std::span<const std::uint8_t> wrapped, const Botan::BlockCipher& aes) {
    auto out = Botan::nist_key_unwrap(wrapped, aes);
    const auto padding = out.empty() ? std::size_t{0} : std::size_t{out.back()};
    if(padding == 0 || padding > wrap_block || padding > out.size() ||
       !std::all_of(out.end() - static_cast<std::ptrdiff_t>(padding), out.end(), [&](std::uint8_t byte) { return byte == padding; })) {
        throw Error(Errc::malformed_data, "the padding is none of PKCS #7");
    }
    out.resize(out.size() - padding);
    return out;
}

SecretBytes unwrap(const TransportedKey& came, const SecretBytes& secret) {
    const auto aes = Botan::BlockCipher::create_or_throw("AES-256");
    aes->set_key(secret);
    if(came.format == WrapFormat::kwp) {
        return Botan::nist_key_unwrap_padded(came.private_key, *aes);
    }
    try {
        return Botan::nist_key_unwrap_padded(came.private_key, *aes);
    } catch(const Botan::Exception&) {
        // Each form has an integrity check of its own, so that what one opens is none of the other's.
        return unwrap_pkcs7_padded(came.private_key, *aes);
    }
}

/// SoftHSM fills what it wraps with zeros to whole blocks, before the mechanism does so itself: they come behind the key.
/// @param out a DER SEQUENCE; what is none stays as it is, and is refused by who reads it
void remove_filling(SecretBytes& out) {
    constexpr std::uint8_t sequence = 0x30;
    constexpr std::uint8_t long_form = 0x80;
    if(out.size() < 2 || out[0] != sequence) {
        return;
    }
    std::size_t header = 2;
    std::size_t length = out[1];
    if((out[1] & long_form) != 0) {
        const std::size_t digits = out[1] & 0x7FU;
        header += digits;
        if(digits == 0 || digits > 3 || out.size() < header) {
            return;
        }
        length = 0;
        for(std::size_t i = 2; i < header; ++i) {
            length = length << 8U | out[i];
        }
    }
    const auto end = header + length;
    if(end < out.size() && out.size() - end < wrap_block &&
       std::all_of(out.begin() + static_cast<std::ptrdiff_t>(end), out.end(), [](std::uint8_t byte) { return byte == 0; })) {
        out.resize(end);
    }
}

}  // namespace

TransportInMemory::TransportInMemory() : key_(std::make_unique<Botan::RSA_PrivateKey>(Botan::system_rng(), transport_bits)) {}

TransportInMemory::~TransportInMemory() = default;

TransportKey TransportInMemory::transport_key() const {
    return {.public_key = key_->public_key(), .hashes = {hashes.begin(), hashes.end()}, .formats = {WrapFormat::kwp, WrapFormat::wrap_pad}};
}

std::unique_ptr<Botan::Private_Key> TransportInMemory::open(const TransportedKey& came, const Botan::Public_Key& public_half) const {
    if(std::ranges::find(hashes, came.hash) == hashes.end()) {
        throw Error(Errc::malformed_data, "the key was encrypted by a hash that was not asked for");
    }
    std::unique_ptr<Botan::Private_Key> key;
    try {
        const Botan::PK_Decryptor_EME decryptor(*key_, Botan::system_rng(), "OAEP(" + came.hash + ")");
        const auto secret = decryptor.decrypt(came.secret);
        if(secret.size() != secret_bytes) {
            throw Error(Errc::malformed_data, "the key that it is under is no AES-256 key");
        }
        auto info = unwrap(came, secret);
        remove_filling(info);
        Botan::DataSource_Memory source(std::move(info));
        key = Botan::PKCS8::load_key(source);
    } catch(const std::exception& error) {
        // Of damage on the way nobody knows here: no words of the decryption, which could tell of what was in it.
        const auto* const told = dynamic_cast<const Error*>(&error);
        throw Error(Errc::malformed_data, "what the token encrypted cannot be opened" + (told != nullptr ? ": " + told->message() : ""),
                    "the token means another format by its mechanism than RFC 5649, or another kind of key than PKCS #8 knows");
    }
    const auto expected = SpkiFingerprint::of(public_half);
    if(const auto found = SpkiFingerprint::of(*key); found != expected) {
        throw Error(Errc::key_mismatch, "the key that the token encrypted is another one: its SPKI SHA-256 is " + found.to_string(),
                    "the key meant is " + expected.to_string());
    }
    return key;
}

}  // namespace keyway
