// SPDX-License-Identifier: BSD-2-Clause
#pragma once

namespace keyway::pkcs11 {

/// How a token wants CKA_EC_POINT of a public key that is written into it, and how it gives its own.
enum class EcPointForm {
    der,  ///< inside a DER OCTET STRING
    raw,  ///< its bytes alone
};

}  // namespace keyway::pkcs11
