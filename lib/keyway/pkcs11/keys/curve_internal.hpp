// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/ec_group.h>

#include <cstdint>
#include <span>
#include <variant>

namespace keyway::pkcs11 {

/// A curve with keys of its own form, on which there is nothing to choose.
enum class FixedCurve { ed25519, ed448, x25519, x448 };

/// A curve that Keyway does not know.
struct OtherCurve {};

using Curve = std::variant<OtherCurve, FixedCurve, Botan::EC_Group>;

/// The curve of CKA_EC_PARAMS: an OID, or a name in a PrintableString ("secp256r1", "P-256", "edwards25519").
///
/// @throws Errc::unsupported when the curve is not named but described (explicit parameters), or left to the reader
///         (implicitCA)
/// @throws Errc::malformed_data when it is no such DER
/// @spec PKCS#11 3.1 6.3.3 (CKA_EC_PARAMS), RFC 8410 3
[[nodiscard]] Curve read_curve(std::span<const std::uint8_t> parameters);

}  // namespace keyway::pkcs11
