// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <botan/pk_keys.h>

#include <optional>
#include <string>
#include <string_view>

namespace keyway {

/// How an RSA signature is padded.
enum class RsaPadding {
    pkcs1v15,  ///< RSASSA-PKCS1-v1_5, @spec RFC 8017 8.2
    pss,       ///< RSASSA-PSS with MGF1 of the same hash and a salt as long as the hash, @spec RFC 8017 8.1
};

/// What the caller asks of a signature; everything left out follows the key.
struct SignatureWish {
    std::optional<std::string> hash;        ///< "sha256", "SHA-384", "sha3-512"; see canonical_hash_name
    std::optional<RsaPadding> rsa_padding;  ///< for RSA keys only; PKCS#1 v1.5 where left out

    bool operator==(const SignatureWish&) const = default;
};

/// A signature scheme that fits one key, in the words of Botan's signing classes.
///
/// @threadsafety a value: reading is safe from any thread
class KEYWAY_API SignatureScheme {
public:
    /// What `Botan::PK_Signer` takes as padding: "PKCS1v15(SHA-256)", "PSS(SHA-256,MGF1,32)", "SHA-384",
    /// "Pure", "".
    [[nodiscard]] const std::string& botan_padding() const noexcept { return padding_; }

    /// How X.509, CMS and TLS write the signature: a DER sequence of two numbers for (EC)DSA, else as it is.
    [[nodiscard]] Botan::Signature_Format format() const noexcept { return format_; }

    /// The hash by Botan's name ("SHA-256"); empty where the algorithm has its own (EdDSA, ML-DSA, SLH-DSA).
    [[nodiscard]] const std::string& hash() const noexcept { return hash_; }

    /// One lower-case word for people and JSON: "rsa-pkcs1v15-sha256", "ecdsa-sha384", "ed25519".
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    bool operator==(const SignatureScheme&) const = default;

private:
    friend KEYWAY_API SignatureScheme choose_scheme(const Botan::Public_Key&, const SignatureWish&);

    SignatureScheme(std::string name, std::string padding, std::string hash, Botan::Signature_Format format);

    std::string name_;
    std::string padding_;
    std::string hash_;
    Botan::Signature_Format format_;
};

/// Chooses the scheme a key signs with: the wish where one is given, else the default of the key's type.
///
/// RSA: PKCS#1 v1.5 with SHA-256. ECDSA: SHA-256 up to 256-bit curves, SHA-384 up to 384, else SHA-512. DSA:
/// SHA-256. Ed25519, Ed448, ML-DSA, SLH-DSA: the pure scheme, which takes no wish.
/// @throws Errc::unsupported when the key cannot sign, cannot sign as wished, or the hash is too weak to sign
/// with
/// @throws Errc::invalid_argument when the hash is not known
[[nodiscard]] KEYWAY_API SignatureScheme choose_scheme(const Botan::Public_Key& key,
                                                       const SignatureWish& wish = {});

/// Reads a wish: "sha384", "pss", "pkcs1v15", "pss-sha256", "rsa-pss-sha256".
/// @throws Errc::invalid_argument when it is of none of these forms
/// @throws Errc::unsupported when the hash is too weak to sign with
[[nodiscard]] KEYWAY_API SignatureWish parse_signature_wish(std::string_view text);

/// Botan's name of a hash written in any usual way: "sha256", "sha-256", "SHA256" give "SHA-256"; "sha3-256"
/// gives "SHA-3(256)".
/// @throws Errc::invalid_argument when the hash is not known
/// @throws Errc::unsupported when it is too weak to sign with (MD5, SHA-1)
[[nodiscard]] KEYWAY_API std::string canonical_hash_name(std::string_view text);

}  // namespace keyway
