// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/pkcs11/attributes_internal.hpp>
#include <keyway/pkcs11/ec_point_form.hpp>
#include <keyway/pkcs11/object_internal.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace Botan {
class Public_Key;
}

namespace keyway::pkcs11 {

/// The public key that a private or public key object shows by its own values: CKA_MODULUS and CKA_PUBLIC_EXPONENT, or
/// CKA_EC_PARAMS and CKA_EC_POINT, or CKA_PARAMETER_SET and CKA_VALUE of a public object (ML-DSA, SLH-DSA). Nothing when it has no such values, or is of a kind that Keyway does not know.
///
/// CKA_EC_POINT is read in all forms that tokens use: the DER OCTET STRING of the specification, the bare point, compressed
/// or not, and for Edwards keys the BIT STRING of its drafts.
/// @throws Errc::malformed_data when the values do not make a key; Errc::unsupported when the curve is not named
[[nodiscard]] std::unique_ptr<Botan::Public_Key> public_key_by_values(const Attributes& object);

/// The public key of CKA_PUBLIC_KEY_INFO, a SubjectPublicKeyInfo in DER; nothing when the object has none.
/// @throws as public_key_by_values
[[nodiscard]] std::unique_ptr<Botan::Public_Key> public_key_by_info(const Attributes& object);

/// The public key of the X.509 certificate in CKA_VALUE; nothing when the object has none.
/// @throws as public_key_by_values
[[nodiscard]] std::unique_ptr<Botan::Public_Key> public_key_of_certificate(const Attributes& object);

/// Reads the values of key objects that public_key_by_values wants, and others beside them, in one call for each object
/// that is of the kind of the one before.
class KeyObjectReader {
public:
    /// @param also attributes to read beside those
    KeyObjectReader(const Session& session, std::vector<CK_ATTRIBUTE_TYPE> also);

    /// @throws Errc::token_failed
    [[nodiscard]] Attributes read(CK_OBJECT_HANDLE object);

private:
    const Session* session_;
    std::vector<CK_ATTRIBUTE_TYPE> also_;
    bool expects_rsa_ = false;
};

/// The public key of a public-key object that was just made.
/// @throws as public_key_by_values
[[nodiscard]] std::unique_ptr<Botan::Public_Key> read_public_key(const Session& session, CK_OBJECT_HANDLE object);

/// CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY, CKK_ML_DSA or CKK_SLH_DSA.
[[nodiscard]] CK_KEY_TYPE key_type_of(const KeySpec& spec);

/// CKA_EC_PARAMS of a key on a curve: the curve's OID in DER.
[[nodiscard]] std::vector<std::uint8_t> ec_parameters(const KeySpec& spec);

/// The attributes that hold the public key's value, for an object being made.
void add_public_value(Template& out, const Botan::Public_Key& key, EcPointForm form);

}  // namespace keyway::pkcs11
