// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/pkcs11/cryptoki_internal.hpp>

#include <cstddef>
#include <optional>

namespace keyway::pkcs11 {

/// CKA_PARAMETER_SET of an ML-DSA or SLH-DSA key.
/// @spec PKCS#11 3.2 6.67 (ML-DSA), 6.69 (SLH-DSA)
[[nodiscard]] CK_ULONG parameter_set_of(const KeySpec& spec);

/// The kind of a CKA_PARAMETER_SET; nothing when there is none of that number.
/// @param type CKK_ML_DSA or CKK_SLH_DSA
[[nodiscard]] std::optional<KeySpec> kind_of_parameter_set(CK_KEY_TYPE type, CK_ULONG parameter_set);

/// How many bytes a signature of the key has.
/// @spec FIPS 204 table 2, FIPS 205 table 2
[[nodiscard]] std::size_t parameter_set_signature_bytes(const KeySpec& spec);

}  // namespace keyway::pkcs11
