// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/exceptn.h>
#include <botan/pk_keys.h>
#include <botan/pk_ops.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace keyway::test {

/// What a remote key does to its signatures.
enum class Signing {
    faithful,
    damaged,  ///< flips one bit
    broken,   ///< throws when it has to sign
    refused,  ///< offers no scheme
};

/// A key as one in a token is: it signs and tells its public key, and nothing else can be had of it.
class RemoteKey final : public Botan::Private_Key {
public:
    explicit RemoteKey(std::unique_ptr<Botan::Private_Key> inner, Signing signing = Signing::faithful)
        : inner_(std::move(inner)), signing_(signing) {}

    std::string algo_name() const override { return inner_->algo_name(); }
    std::size_t estimated_strength() const override { return inner_->estimated_strength(); }
    Botan::OID object_identifier() const override { return inner_->object_identifier(); }
    bool supports_operation(Botan::PublicKeyOperation op) const override {
        return inner_->supports_operation(op);
    }
    bool check_key(Botan::RandomNumberGenerator& rng, bool strong) const override {
        return inner_->public_key()->check_key(rng, strong);
    }
    std::size_t key_length() const override { return inner_->key_length(); }
    Botan::AlgorithmIdentifier algorithm_identifier() const override {
        return inner_->algorithm_identifier();
    }
    std::vector<uint8_t> raw_public_key_bits() const override { return inner_->raw_public_key_bits(); }
    std::vector<uint8_t> public_key_bits() const override { return inner_->public_key_bits(); }
    std::unique_ptr<Botan::Public_Key> public_key() const override { return inner_->public_key(); }
    std::optional<std::size_t> _signature_element_size_for_DER_encoding() const override {
        return inner_->_signature_element_size_for_DER_encoding();
    }

    Botan::secure_vector<uint8_t> private_key_bits() const override {
        throw std::logic_error("the private bits of a remote key were asked for");
    }
    std::unique_ptr<Botan::Private_Key> generate_another(Botan::RandomNumberGenerator&) const override {
        throw std::logic_error("a remote key was asked for another");
    }

    std::unique_ptr<Botan::PK_Ops::Signature> create_signature_op(Botan::RandomNumberGenerator& rng,
                                                                  std::string_view padding,
                                                                  std::string_view provider) const override {
        if(signing_ == Signing::refused) {
            throw Botan::Invalid_Argument("no such mechanism");
        }
        return std::make_unique<Operation>(inner_->create_signature_op(rng, padding, provider), signing_);
    }

private:
    class Operation final : public Botan::PK_Ops::Signature {
    public:
        Operation(std::unique_ptr<Botan::PK_Ops::Signature> inner, Signing signing)
            : inner_(std::move(inner)), signing_(signing) {}

        void update(std::span<const uint8_t> input) override { inner_->update(input); }
        std::vector<uint8_t> sign(Botan::RandomNumberGenerator& rng) override {
            if(signing_ == Signing::broken) {
                throw std::runtime_error("the token is gone");
            }
            std::vector<uint8_t> signature = inner_->sign(rng);
            signature.back() ^= signing_ == Signing::damaged ? 1U : 0U;
            return signature;
        }
        std::size_t signature_length() const override { return inner_->signature_length(); }
        Botan::AlgorithmIdentifier algorithm_identifier() const override {
            return inner_->algorithm_identifier();
        }
        std::string hash_function() const override { return inner_->hash_function(); }

    private:
        std::unique_ptr<Botan::PK_Ops::Signature> inner_;
        Signing signing_;
    };

    std::unique_ptr<Botan::Private_Key> inner_;
    Signing signing_;
};

}  // namespace keyway::test
