// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/spki_fingerprint.hpp>

#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/pk_keys.h>

#include <algorithm>

namespace keyway {

SpkiFingerprint SpkiFingerprint::of(const Botan::Public_Key& key) {
    SpkiFingerprint fingerprint;
    const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
    hash->update(key.subject_public_key());
    hash->final(fingerprint.bytes_);
    return fingerprint;
}

SpkiFingerprint SpkiFingerprint::parse(std::string_view hex) {
    const auto is_hex = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    SpkiFingerprint fingerprint;
    if(hex.size() != 2 * fingerprint.bytes_.size() || !std::ranges::all_of(hex, is_hex)) {
        throw Error(Errc::invalid_argument, in_quotes(hex) + " is no SHA-256 of a public key", "give 64 hexadecimal digits");
    }
    Botan::hex_decode(fingerprint.bytes_.data(), hex.data(), hex.size(), false);
    return fingerprint;
}

std::string SpkiFingerprint::to_string() const {
    return Botan::hex_encode(bytes_.data(), bytes_.size(), false);
}

}  // namespace keyway
