// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace Botan {
class Public_Key;
}

namespace keyway {

/// The families of keys. All sign, but for x25519 and x448, which agree on secrets and do nothing else; dsa is for keys that are
/// there already, and none are made.
enum class KeyType { rsa, ec, ed25519, ed448, x25519, x448, ml_dsa, slh_dsa, dsa };

/// What kind of key: a type with its size or curve.
///
/// As text: "rsa-3072", "p-256", "p-384", "p-521", "secp256k1", "brainpool-p256r1" (also 384, 512), "ed25519", "ed448",
/// "x25519", "x448", "ml-dsa-44" (65, 87), "slh-dsa-sha2-128s" (the twelve of FIPS 205, in lower case), "dsa-2048". Other usual names are understood ("secp256r1", "prime256v1", "P-256", "rsa:2048").
/// @threadsafety immutable
class KEYWAY_API KeySpec {
public:
    /// @throws Errc::unsupported when no such key type is known, with the list of those that are
    [[nodiscard]] static KeySpec parse(std::string_view text);

    /// The kind of an existing key.
    /// @throws Errc::unsupported when it is of no known kind
    [[nodiscard]] static KeySpec of(const Botan::Public_Key& key);

    /// @param bits of the modulus, a multiple of 8 from 2048 to 16384
    /// @throws Errc::unsupported when it is not
    [[nodiscard]] static KeySpec rsa(std::size_t bits);

    /// @param bits of the prime p, a multiple of 8 from 2048 to 8192
    /// @throws Errc::unsupported when it is not
    [[nodiscard]] static KeySpec dsa(std::size_t bits);

    [[nodiscard]] KeyType type() const noexcept { return type_; }

    /// Of the RSA modulus, of the prime p of DSA, the curve's order, the curve's field (Ed25519 and X25519 255, Ed448 and X448 448), or the strength
    /// that the parameter set is made for (128, 192, 256).
    [[nodiscard]] std::size_t bits() const noexcept { return bits_; }

    /// Botan's name of the curve ("secp256r1"); empty unless the type is ec.
    [[nodiscard]] const std::string& curve() const noexcept { return curve_; }

    /// Botan's name of the parameter set ("ML-DSA-4x4", "SLH-DSA-SHA2-128s"); empty unless the type is ml_dsa or slh_dsa.
    [[nodiscard]] const std::string& parameter_set() const noexcept { return parameter_set_; }

    /// Whether keys of the kind make signatures.
    [[nodiscard]] bool can_sign() const noexcept { return type_ != KeyType::x25519 && type_ != KeyType::x448; }

    [[nodiscard]] std::string to_string() const;

    /// The names of all kinds that can be made and are no family with free sizes, and "rsa-BITS".
    [[nodiscard]] static std::vector<std::string> known_names();

    friend bool operator==(const KeySpec&, const KeySpec&) = default;

private:
    template <typename Kind>
    [[nodiscard]] static KeySpec of_kind(const Kind& kind);

    KeySpec(KeyType type, std::size_t bits, std::string curve, std::string parameter_set = {});

    KeyType type_;
    std::size_t bits_;
    std::string curve_;
    std::string parameter_set_;
};

}  // namespace keyway
