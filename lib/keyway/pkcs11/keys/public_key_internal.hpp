// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/pkcs11/object_internal.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace Botan {
class Public_Key;
}

namespace keyway::pkcs11 {

/// The public key of a public-key object, or nothing when it is of a kind that Keyway does not know.
///
/// CKA_EC_POINT is read in both forms that tokens use: the DER OCTET STRING of the specification and the bare point.
/// @throws Errc::malformed_data when the object's attributes do not make a key
[[nodiscard]] std::unique_ptr<Botan::Public_Key> read_public_key(const Session& session, CK_OBJECT_HANDLE object);

/// CKK_RSA, CKK_EC or CKK_EC_EDWARDS.
[[nodiscard]] CK_KEY_TYPE key_type_of(const KeySpec& spec);

/// CKA_EC_PARAMS of an EC or Edwards key: the curve's OID in DER.
[[nodiscard]] std::vector<std::uint8_t> ec_parameters(const KeySpec& spec);

/// The attributes that hold the public key's value, for an object being made.
void add_public_value(Template& out, const Botan::Public_Key& key);

}  // namespace keyway::pkcs11
