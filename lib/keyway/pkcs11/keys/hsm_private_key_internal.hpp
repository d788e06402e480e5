// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/keys/hsm_key_internal.hpp>

#include <botan/pk_keys.h>

#include <memory>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// The key as Botan sees it: it does what its kind and its usage allow, and says of itself what its public key says.
class HsmPrivateKey final : public Botan::Private_Key {
public:
    explicit HsmPrivateKey(std::shared_ptr<HsmKey> key);

    std::string algo_name() const override;
    std::size_t estimated_strength() const override;
    Botan::OID object_identifier() const override;
    bool supports_operation(Botan::PublicKeyOperation operation) const override;
    std::unique_ptr<Botan::Private_Key> generate_another(Botan::RandomNumberGenerator& rng) const override;
    bool check_key(Botan::RandomNumberGenerator& rng, bool strong) const override;
    std::size_t key_length() const override;
    Botan::AlgorithmIdentifier algorithm_identifier() const override;
    std::vector<std::uint8_t> raw_public_key_bits() const override;
    std::vector<std::uint8_t> public_key_bits() const override;
    Botan::secure_vector<std::uint8_t> private_key_bits() const override;
    std::unique_ptr<Botan::Public_Key> public_key() const override;
    std::optional<std::size_t> _signature_element_size_for_DER_encoding() const override;
    Botan::Signature_Format _default_x509_signature_format() const override;
    std::unique_ptr<Botan::PK_Ops::Verification> create_verification_op(std::string_view params,
                                                                        std::string_view provider) const override;
    std::unique_ptr<Botan::PK_Ops::Verification> create_x509_verification_op(
        const Botan::AlgorithmIdentifier& algorithm, std::string_view provider) const override;
    std::unique_ptr<Botan::PK_Ops::Signature> create_signature_op(Botan::RandomNumberGenerator& rng,
                                                                  std::string_view params,
                                                                  std::string_view provider) const override;
    std::unique_ptr<Botan::PK_Ops::Encryption> create_encryption_op(Botan::RandomNumberGenerator& rng,
                                                                    std::string_view params,
                                                                    std::string_view provider) const override;
    std::unique_ptr<Botan::PK_Ops::Decryption> create_decryption_op(Botan::RandomNumberGenerator& rng,
                                                                    std::string_view params,
                                                                    std::string_view provider) const override;
    std::unique_ptr<Botan::PK_Ops::Key_Agreement> create_key_agreement_op(Botan::RandomNumberGenerator& rng,
                                                                          std::string_view params,
                                                                          std::string_view provider) const override;

private:
    std::shared_ptr<HsmKey> key_;
};

/// A signature with the key, by a padding of Botan's.
/// @throws Errc::unsupported when the key cannot sign so
[[nodiscard]] std::unique_ptr<Botan::PK_Ops::Signature> make_signature_operation(std::shared_ptr<HsmKey> key,
                                                                                 std::string_view padding);

/// A decryption with the key, by a padding of Botan's.
///
/// Where the token does raw RSA with the key, the padding is taken off here, in constant time; else the token takes it off. A
/// wrong padding is never an error of the operation: it answers a mask of 0 and no message, whatever was wrong.
/// @throws Errc::unsupported when the key or the token cannot decrypt so
[[nodiscard]] std::unique_ptr<Botan::PK_Ops::Decryption> make_decryption_operation(std::shared_ptr<HsmKey> key,
                                                                                   std::string_view padding);

/// An agreement with the key of somebody else, by CKM_ECDH1_DERIVE, for keys on EC curves, X25519 and X448.
///
/// The token derives the secret as a session object, which is read and destroyed; a key derivation function of Botan's is
/// worked here. The other key is checked here to be a point of the curve before the token sees it.
/// @param kdf Botan's name of the key derivation function; "Raw" or empty for the secret itself
/// @throws Errc::unsupported when the key or the token cannot agree
[[nodiscard]] std::unique_ptr<Botan::PK_Ops::Key_Agreement> make_agreement_operation(std::shared_ptr<HsmKey> key,
                                                                                     std::string_view kdf);

}  // namespace keyway::pkcs11
