// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "module.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace probe {

/// 2048 bits.
struct RsaKey {
    Bytes modulus;
    Bytes public_exponent;
    Bytes private_exponent;
    Bytes prime_1;
    Bytes prime_2;
    Bytes exponent_1;
    Bytes exponent_2;
    Bytes coefficient;
};
[[nodiscard]] const RsaKey& known_rsa_key();

/// A key of an elliptic curve; the point is raw: uncompressed, or as RFC 8032 and RFC 7748 have it.
struct CurveKey {
    Bytes private_value;
    Bytes point;
};
/// @param curve P-256, P-384, P-521, secp256k1, brainpoolP256r1, Ed25519, Ed448 or X25519
[[nodiscard]] const CurveKey& known_curve_key(std::string_view curve);

/// A certificate of the P-256 key for itself; serial number 1.
[[nodiscard]] const Bytes& known_certificate();
/// Its subject and issuer, in DER.
[[nodiscard]] inline Bytes known_certificate_subject() {
    return from_hex("3020311e301c06035504030c15736f667468736d5f66697874757265732074657374");
}

} // namespace probe
