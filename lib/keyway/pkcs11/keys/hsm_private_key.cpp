// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/keys/parameter_set_internal.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>

#include <botan/hash.h>
#include <botan/pk_ops.h>
#include <botan/pubkey.h>
#include <botan/x509_key.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace keyway::pkcs11 {

namespace {

std::size_t signature_bytes(const KeySpec& spec) {
    switch(spec.type()) {
        case KeyType::rsa:
            return (spec.bits() + 7) / 8;
        case KeyType::ec:
            return 2 * ((spec.bits() + 7) / 8);
        case KeyType::ed25519:
            return 64;
        case KeyType::ed448:
            return 114;
        case KeyType::ml_dsa:
        case KeyType::slh_dsa:
            return parameter_set_signature_bytes(spec);
        case KeyType::x25519:
        case KeyType::x448:
        case KeyType::dsa:
            break;  // no such key gets as far as a signature
    }
    throw Error(Errc::internal, "a key of no known kind");
}

/// CK_EDDSA_PARAMS, which the older of the supported headers lack. Without a context and not pre-hashed it stands for Ed448
/// itself, which may not be asked for without it; Ed25519 is asked for without.
/// @spec PKCS#11 3.1 6.3.16
struct EddsaParameters {
    CK_BBOOL is_prehashed = CK_FALSE;
    CK_ULONG context_bytes = 0;
    CK_BYTE_PTR context = nullptr;
};

/// Hashes here what can be hashed, and leaves to the token only what needs the key.
class HsmSignature final : public Botan::PK_Ops::Signature, private KeyOperation {
public:
    HsmSignature(std::shared_ptr<HsmKey> key, std::string_view padding)
        : key_(std::move(key)),
          kept_(key_->signing_mechanism(padding)),
          own_(kept_ == nullptr ? std::make_unique<SigningMechanism>(signing_mechanism(key_->spec(), padding)) : nullptr),
          how_(kept_ == nullptr ? *own_ : *kept_),
          mechanism_{how_.type, nullptr, 0},
          pss_(how_.pss),
          length_(signature_bytes(key_->spec())) {
        if(how_.type == CKM_RSA_PKCS_PSS) {
            mechanism_.pParameter = &pss_;
            mechanism_.ulParameterLen = sizeof(pss_);
        } else if(how_.type == CKM_EDDSA && key_->spec().type() == KeyType::ed448) {
            mechanism_.pParameter = &eddsa_;
            mechanism_.ulParameterLen = sizeof(eddsa_);
        }
        const auto& quirks = key_->token().quirks();
        const auto& numbers = key_->token().quirk_numbers();
        if(quirks.hash_in_token || numbers.avoids(how_.type)) [[unlikely]] {
            let_token_hash(padding);
        } else if(!how_.hash.empty()) {
            hash_ = Botan::HashFunction::create_or_throw(how_.hash);
            prefix_ = how_.digest_prefix;
        }
        most_bytes_ = numbers.data_limit(mechanism_.mechanism).value_or(std::numeric_limits<std::size_t>::max());
        input_.assign(prefix_.begin(), prefix_.end());
    }

    void update(std::span<const std::uint8_t> message) override {
        if(hash_) {
            hash_->update(message);
        } else {
            input_.insert(input_.end(), message.begin(), message.end());
        }
    }

    std::vector<std::uint8_t> sign(Botan::RandomNumberGenerator&) override {
        if(hash_) {
            input_.resize(prefix_.size() + hash_->output_length());
            hash_->final(std::span(input_).subspan(prefix_.size()));
        } else if(input_.size() > most_bytes_ && how_.hash.empty()) {
            const auto bytes = std::to_string(input_.size());
            input_.clear();
            throw Error(Errc::unsupported,
                        "the " + key_->name() + " cannot sign a message of " + bytes + " bytes: the token takes " +
                            std::to_string(most_bytes_) + " at once",
                        "the key signs the message itself, in one call: sign a shorter one, or use a key of another kind");
        }
        // Also when it fails, the next message begins anew.
        struct NextMessage {
            HsmSignature& operation;
            ~NextMessage() { operation.input_.resize(operation.prefix_.size()); }
        } const next{*this};
        key_->use("sign", [&] {
            const auto done = key_->perform_proven(*this, [&](std::uint64_t) { return is_valid(); });
            require_complete();
            return done;
        });
        return std::move(signature_);
    }

    std::size_t signature_length() const override { return length_; }
    Botan::AlgorithmIdentifier algorithm_identifier() const override { return how_.algorithm; }
    std::string hash_function() const override { return how_.hash_function; }

private:
    CK_RV begin(FunctionList& calls, CK_SESSION_HANDLE session, const KeyHandle& key) override {
        return calls.C_SignInit(session, &mechanism_, key.object);
    }

    CK_RV finish(FunctionList& calls, CK_SESSION_HANDLE session) override {
        const auto input = to_token();
        signature_.resize(length_);
        if(input.size() > most_bytes_) [[unlikely]] {
            return finish_in_parts(calls, session, input);
        }
        CK_ULONG size = length_;
        // PKCS#11 lacks the const; some modules take a null pointer for an empty message as a mistake.
        CK_BYTE nothing = 0;
        auto* const data = input.empty() ? &nothing : const_cast<CK_BYTE*>(input.data());
        const auto result = calls.C_Sign(session, data, input.size(), signature_.data(), &size);
        if(result == CKR_OK) {
            signature_.resize(std::min<std::size_t>(size, length_));
            complete_ = size == length_;
        }
        return result;
    }

    /// For a token that hashes, and takes no more than so much at once.
    CK_RV finish_in_parts(FunctionList& calls, CK_SESSION_HANDLE session, std::span<const std::uint8_t> input) {
        while(!input.empty()) {
            const auto part = input.first(std::min(input.size(), most_bytes_));
            input = input.subspan(part.size());
            if(const auto result = calls.C_SignUpdate(session, const_cast<CK_BYTE*>(part.data()), part.size());
               result != CKR_OK) {
                return result;
            }
        }
        CK_ULONG size = length_;
        const auto result = calls.C_SignFinal(session, signature_.data(), &size);
        if(result == CKR_OK) {
            signature_.resize(std::min<std::size_t>(size, length_));
            complete_ = size == length_;
        }
        return result;
    }

    void let_token_hash(std::string_view padding) {
        const auto& numbers = key_->token().quirk_numbers();
        if(how_.hashing_type == 0 && !numbers.avoids(how_.type)) {
            return;  // EdDSA hashes in the token as it is
        }
        if(how_.hashing_type == 0 || numbers.avoids(how_.hashing_type)) {
            throw Error(Errc::unsupported,
                        "the " + key_->name() + " cannot sign with " + in_quotes(padding) + ": by the token's quirk profile " +
                            in_quotes(key_->token().quirks().name) + ", its mechanism is not to be used",
                        "another hash or padding may do; `keyway token quirks` shows the profile");
        }
        mechanism_.mechanism = how_.hashing_type;
        token_hashes_ = true;
    }

    std::string_view doing() const noexcept override { return "sign with"; }
    CK_FLAGS kind() const noexcept override { return CKF_SIGN; }

    Error no_proof() override {
        return {Errc::verification_failed, "a signature of the " + key_->name() + " does not verify with its public key",
                "the private and the public object do not belong together, or the token is broken; nothing was handed out"};
    }

    void require_complete() const {
        if(!complete_) {
            throw Error(Errc::token_failed,
                        "the " + key_->name() + " made a signature of " + std::to_string(signature_.size()) +
                            " bytes instead of " + std::to_string(length_));
        }
    }

    /// A digest longer than the curve's order is cut to it here, as some tokens refuse what they would have to cut.
    /// @spec FIPS 186-5 6.4.1
    [[nodiscard]] std::span<const std::uint8_t> to_token() const {
        const std::span<const std::uint8_t> all(input_);
        return mechanism_.mechanism == CKM_ECDSA ? all.first(std::min(all.size(), length_ / 2)) : all;
    }

    [[nodiscard]] bool is_valid() const {
        require_complete();
        const auto inside = key_->token().stay_inside();
        Botan::PK_Verifier verifier(key_->public_key(), how_.verify_padding);
        if(token_hashes_) {
            const auto hash = Botan::HashFunction::create_or_throw(how_.hash);
            return verifier.verify_message(hash->process(input_), signature_);
        }
        // "Raw" of PKCS#1 v1.5 sets the DigestInfo itself.
        const auto digest = std::span<const std::uint8_t>(input_).subspan(prefix_.size());
        return verifier.verify_message(digest, signature_);
    }

    std::shared_ptr<HsmKey> key_;
    const SigningMechanism* kept_;           // by the key; or null
    std::unique_ptr<SigningMechanism> own_;  // when the key does not keep it
    const SigningMechanism& how_;
    CK_MECHANISM mechanism_;
    CK_RSA_PKCS_PSS_PARAMS pss_;             // PKCS#11 lacks the const: not to be shared with other threads
    EddsaParameters eddsa_;
    std::size_t length_;
    std::size_t most_bytes_ = 0;  // for one C_Sign
    bool token_hashes_ = false;
    std::span<const std::uint8_t> prefix_;  // of `how_`: what stands before the digest
    std::vector<std::uint8_t> input_;
    std::vector<std::uint8_t> signature_;
    bool complete_ = false;
    std::unique_ptr<Botan::HashFunction> hash_;
};

}  // namespace

std::unique_ptr<Botan::PK_Ops::Signature> make_signature_operation(std::shared_ptr<HsmKey> key,
                                                                   std::string_view padding) {
    return std::make_unique<HsmSignature>(std::move(key), padding);
}

HsmPrivateKey::HsmPrivateKey(std::shared_ptr<HsmKey> key) : key_(std::move(key)) {}

std::string HsmPrivateKey::algo_name() const {
    return key_->public_key().algo_name();
}

std::size_t HsmPrivateKey::estimated_strength() const {
    return key_->public_key().estimated_strength();
}

Botan::OID HsmPrivateKey::object_identifier() const {
    return key_->public_key().object_identifier();
}

bool HsmPrivateKey::supports_operation(Botan::PublicKeyOperation operation) const {
    const auto type = key_->spec().type();
    switch(operation) {
        case Botan::PublicKeyOperation::Signature:
            return key_->may_sign() && key_->spec().can_sign();
        case Botan::PublicKeyOperation::Encryption:
            return type == KeyType::rsa && key_->may_decrypt();
        case Botan::PublicKeyOperation::KeyAgreement:
            return key_->may_derive() && (type == KeyType::ec || type == KeyType::x25519 || type == KeyType::x448);
        case Botan::PublicKeyOperation::KeyEncapsulation:
            return false;
    }
    return false;
}

std::unique_ptr<Botan::Private_Key> HsmPrivateKey::generate_another(Botan::RandomNumberGenerator&) const {
    throw Error(Errc::unsupported, "a key in a token cannot make another one by itself", "create it with the backend");
}

bool HsmPrivateKey::check_key(Botan::RandomNumberGenerator& rng, bool strong) const {
    return key_->public_key().check_key(rng, strong);
}

std::size_t HsmPrivateKey::key_length() const {
    return key_->public_key().key_length();
}

Botan::AlgorithmIdentifier HsmPrivateKey::algorithm_identifier() const {
    return key_->public_key().algorithm_identifier();
}

std::vector<std::uint8_t> HsmPrivateKey::raw_public_key_bits() const {
    return key_->public_key().raw_public_key_bits();
}

std::vector<std::uint8_t> HsmPrivateKey::public_key_bits() const {
    return key_->public_key().public_key_bits();
}

Botan::secure_vector<std::uint8_t> HsmPrivateKey::private_key_bits() const {
    throw Error(Errc::unsupported, "the " + key_->name() + " does not leave the token",
                "sign with it where it is; a key that has to move must be made extractable");
}

std::unique_ptr<Botan::Public_Key> HsmPrivateKey::public_key() const {
    return Botan::X509::load_key(key_->public_key().subject_public_key());
}

std::optional<std::size_t> HsmPrivateKey::_signature_element_size_for_DER_encoding() const {
    return key_->public_key()._signature_element_size_for_DER_encoding();
}

Botan::Signature_Format HsmPrivateKey::_default_x509_signature_format() const {
    return key_->public_key()._default_x509_signature_format();
}

std::unique_ptr<Botan::PK_Ops::Verification> HsmPrivateKey::create_verification_op(std::string_view params,
                                                                                   std::string_view provider) const {
    return key_->public_key().create_verification_op(params, provider);
}

std::unique_ptr<Botan::PK_Ops::Verification> HsmPrivateKey::create_x509_verification_op(
    const Botan::AlgorithmIdentifier& algorithm, std::string_view provider) const {
    return key_->public_key().create_x509_verification_op(algorithm, provider);
}

std::unique_ptr<Botan::PK_Ops::Encryption> HsmPrivateKey::create_encryption_op(Botan::RandomNumberGenerator& rng,
                                                                               std::string_view params,
                                                                               std::string_view provider) const {
    return key_->public_key().create_encryption_op(rng, params, provider);
}

std::unique_ptr<Botan::PK_Ops::Decryption> HsmPrivateKey::create_decryption_op(Botan::RandomNumberGenerator&,
                                                                               std::string_view params,
                                                                               std::string_view) const {
    return make_decryption_operation(key_, params);
}

std::unique_ptr<Botan::PK_Ops::Key_Agreement> HsmPrivateKey::create_key_agreement_op(Botan::RandomNumberGenerator&,
                                                                                     std::string_view params,
                                                                                     std::string_view) const {
    return make_agreement_operation(key_, params);
}

std::unique_ptr<Botan::PK_Ops::Signature> HsmPrivateKey::create_signature_op(Botan::RandomNumberGenerator&,
                                                                             std::string_view params,
                                                                             std::string_view) const {
    return make_signature_operation(key_, params);
}

}  // namespace keyway::pkcs11
