// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/observed_key_internal.hpp>

#include <botan/mem_ops.h>
#include <botan/pk_keys.h>
#include <botan/pk_ops.h>

#include <utility>

namespace keyway {

namespace {

class ObservedSignature final : public Botan::PK_Ops::Signature {
public:
    ObservedSignature(std::unique_ptr<Botan::PK_Ops::Signature> operation, std::shared_ptr<const UseTeller> teller)
        : operation_(std::move(operation)), teller_(std::move(teller)) {}

    void update(std::span<const std::uint8_t> message) override { operation_->update(message); }
    std::vector<std::uint8_t> sign(Botan::RandomNumberGenerator& rng) override {
        return teller_->tell("sign", [&](KeyUse&) { return operation_->sign(rng); });
    }
    std::size_t signature_length() const override { return operation_->signature_length(); }
    Botan::AlgorithmIdentifier algorithm_identifier() const override { return operation_->algorithm_identifier(); }
    std::string hash_function() const override { return operation_->hash_function(); }

private:
    std::unique_ptr<Botan::PK_Ops::Signature> operation_;
    std::shared_ptr<const UseTeller> teller_;
};

class ObservedDecryption final : public Botan::PK_Ops::Decryption {
public:
    ObservedDecryption(std::unique_ptr<Botan::PK_Ops::Decryption> operation, std::shared_ptr<const UseTeller> teller)
        : operation_(std::move(operation)), teller_(std::move(teller)) {}

    Botan::secure_vector<std::uint8_t> decrypt(std::uint8_t& valid_mask, std::span<const std::uint8_t> ciphertext) override {
        return teller_->tell("decrypt", [&](KeyUse&) { return operation_->decrypt(valid_mask, ciphertext); });
    }
    std::size_t plaintext_length(std::size_t ciphertext_length) const override {
        return operation_->plaintext_length(ciphertext_length);
    }

private:
    std::unique_ptr<Botan::PK_Ops::Decryption> operation_;
    std::shared_ptr<const UseTeller> teller_;
};

class ObservedAgreement final : public Botan::PK_Ops::Key_Agreement {
public:
    ObservedAgreement(std::unique_ptr<Botan::PK_Ops::Key_Agreement> operation, std::shared_ptr<const UseTeller> teller)
        : operation_(std::move(operation)), teller_(std::move(teller)) {}

    Botan::secure_vector<std::uint8_t> agree(std::size_t key_length,
                                             std::span<const std::uint8_t> other_key,
                                             std::span<const std::uint8_t> salt) override {
        return teller_->tell("agree", [&](KeyUse&) { return operation_->agree(key_length, other_key, salt); });
    }
    std::size_t agreed_value_size() const override { return operation_->agreed_value_size(); }

private:
    std::unique_ptr<Botan::PK_Ops::Key_Agreement> operation_;
    std::shared_ptr<const UseTeller> teller_;
};

class ObservedDecapsulation final : public Botan::PK_Ops::KEM_Decryption {
public:
    ObservedDecapsulation(std::unique_ptr<Botan::PK_Ops::KEM_Decryption> operation, std::shared_ptr<const UseTeller> teller)
        : operation_(std::move(operation)), teller_(std::move(teller)) {}

    void kem_decrypt(std::span<std::uint8_t> out_shared_key,
                     std::span<const std::uint8_t> encapsulated_key,
                     std::size_t desired_shared_key_len,
                     std::span<const std::uint8_t> salt) override {
        // The observer may throw: what was not recorded is not handed out.
        try {
            static_cast<void>(teller_->tell("decapsulate", [&](KeyUse&) {
                operation_->kem_decrypt(out_shared_key, encapsulated_key, desired_shared_key_len, salt);
                return true;
            }));
        } catch(...) {
            Botan::secure_scrub_memory(out_shared_key);
            throw;
        }
    }
    std::size_t encapsulated_key_length() const override { return operation_->encapsulated_key_length(); }
    std::size_t shared_key_length(std::size_t desired_shared_key_len) const override {
        return operation_->shared_key_length(desired_shared_key_len);
    }

private:
    std::unique_ptr<Botan::PK_Ops::KEM_Decryption> operation_;
    std::shared_ptr<const UseTeller> teller_;
};

class ObservedKey final : public Botan::Private_Key {
public:
    ObservedKey(std::unique_ptr<Botan::Private_Key> key, std::shared_ptr<const UseTeller> teller)
        : key_(std::move(key)), teller_(std::move(teller)) {}

    std::string algo_name() const override { return key_->algo_name(); }
    std::size_t estimated_strength() const override { return key_->estimated_strength(); }
    Botan::OID object_identifier() const override { return key_->object_identifier(); }
    const Botan::BigInt& get_int_field(std::string_view field) const override { return key_->get_int_field(field); }
    bool supports_operation(Botan::PublicKeyOperation operation) const override { return key_->supports_operation(operation); }
    std::unique_ptr<Botan::Private_Key> generate_another(Botan::RandomNumberGenerator& rng) const override {
        return key_->generate_another(rng);
    }
    bool check_key(Botan::RandomNumberGenerator& rng, bool strong) const override { return key_->check_key(rng, strong); }
    std::optional<std::size_t> _signature_element_size_for_DER_encoding() const override {
        return key_->_signature_element_size_for_DER_encoding();
    }
    Botan::Signature_Format _default_x509_signature_format() const override { return key_->_default_x509_signature_format(); }
    std::size_t key_length() const override { return key_->key_length(); }
    Botan::AlgorithmIdentifier algorithm_identifier() const override { return key_->algorithm_identifier(); }
    std::vector<std::uint8_t> raw_public_key_bits() const override { return key_->raw_public_key_bits(); }
    std::vector<std::uint8_t> public_key_bits() const override { return key_->public_key_bits(); }
    Botan::secure_vector<std::uint8_t> private_key_bits() const override { return key_->private_key_bits(); }
    Botan::secure_vector<std::uint8_t> raw_private_key_bits() const override { return key_->raw_private_key_bits(); }
    std::unique_ptr<Botan::Public_Key> public_key() const override { return key_->public_key(); }
    Botan::AlgorithmIdentifier pkcs8_algorithm_identifier() const override { return key_->pkcs8_algorithm_identifier(); }

    std::unique_ptr<Botan::PK_Ops::Encryption> create_encryption_op(Botan::RandomNumberGenerator& rng,
                                                                    std::string_view params,
                                                                    std::string_view provider) const override {
        return key_->create_encryption_op(rng, params, provider);
    }
    std::unique_ptr<Botan::PK_Ops::Verification> create_verification_op(std::string_view params,
                                                                        std::string_view provider) const override {
        return key_->create_verification_op(params, provider);
    }
    std::unique_ptr<Botan::PK_Ops::Verification> create_x509_verification_op(const Botan::AlgorithmIdentifier& algorithm,
                                                                             std::string_view provider) const override {
        return key_->create_x509_verification_op(algorithm, provider);
    }
    std::unique_ptr<Botan::PK_Ops::Signature> create_signature_op(Botan::RandomNumberGenerator& rng,
                                                                  std::string_view params,
                                                                  std::string_view provider) const override {
        return std::make_unique<ObservedSignature>(key_->create_signature_op(rng, params, provider), teller_);
    }
    std::unique_ptr<Botan::PK_Ops::Decryption> create_decryption_op(Botan::RandomNumberGenerator& rng,
                                                                    std::string_view params,
                                                                    std::string_view provider) const override {
        return std::make_unique<ObservedDecryption>(key_->create_decryption_op(rng, params, provider), teller_);
    }
    std::unique_ptr<Botan::PK_Ops::Key_Agreement> create_key_agreement_op(Botan::RandomNumberGenerator& rng,
                                                                          std::string_view params,
                                                                          std::string_view provider) const override {
        return std::make_unique<ObservedAgreement>(key_->create_key_agreement_op(rng, params, provider), teller_);
    }
    std::unique_ptr<Botan::PK_Ops::KEM_Encryption> create_kem_encryption_op(std::string_view params,
                                                                            std::string_view provider) const override {
        return key_->create_kem_encryption_op(params, provider);
    }
    std::unique_ptr<Botan::PK_Ops::KEM_Decryption> create_kem_decryption_op(Botan::RandomNumberGenerator& rng,
                                                                            std::string_view params,
                                                                            std::string_view provider) const override {
        return std::make_unique<ObservedDecapsulation>(key_->create_kem_decryption_op(rng, params, provider), teller_);
    }

private:
    std::unique_ptr<Botan::Private_Key> key_;
    std::shared_ptr<const UseTeller> teller_;
};

}  // namespace

std::unique_ptr<Botan::Private_Key> observed(std::unique_ptr<Botan::Private_Key> key,
                                             const std::string& backend,
                                             const std::string& name,
                                             const KeyUseObserver& observer) {
    if(!observer) {
        return key;
    }
    auto teller = std::make_shared<const UseTeller>(backend, name, SpkiFingerprint::of(*key), observer);
    return std::make_unique<ObservedKey>(std::move(key), std::move(teller));
}

}  // namespace keyway
