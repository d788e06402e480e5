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

/// The families of signing keys.
enum class KeyType { rsa, ec, ed25519, ed448 };

/// What kind of key: a type with its size or curve.
///
/// As text: "rsa-3072", "p-256", "p-384", "p-521", "secp256k1", "brainpool-p256r1" (also 384, 512), "ed25519", "ed448".
/// Other usual names are understood ("secp256r1", "prime256v1", "P-256", "rsa:2048").
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

    [[nodiscard]] KeyType type() const noexcept { return type_; }

    /// Of the RSA modulus, the curve's order, or the EdDSA curve (255, 448).
    [[nodiscard]] std::size_t bits() const noexcept { return bits_; }

    /// Botan's name of the curve ("secp256r1"); empty unless the type is ec.
    [[nodiscard]] const std::string& curve() const noexcept { return curve_; }

    [[nodiscard]] std::string to_string() const;

    /// The names of all kinds that are no family with free sizes, and "rsa-BITS".
    [[nodiscard]] static std::vector<std::string> known_names();

    friend bool operator==(const KeySpec&, const KeySpec&) = default;

private:
    KeySpec(KeyType type, std::size_t bits, std::string curve);

    KeyType type_;
    std::size_t bits_;
    std::string curve_;
};

}  // namespace keyway
