// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>

#include <botan/hash.h>
#include <botan/pk_ops.h>
#include <botan/pubkey.h>
#include <botan/x509_key.h>

#include <algorithm>
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
    }
    throw Error(Errc::internal, "a key of no known kind");
}

/// How many signatures in a row may be wrong, each by a handle that was found anew, before that is the error.
constexpr int most_wrong = 3;

/// Hashes here what can be hashed, and leaves to the token only what needs the key.
class HsmSignature final : public Botan::PK_Ops::Signature, private KeyOperation {
public:
    HsmSignature(std::shared_ptr<HsmKey> key, std::string_view padding)
        : key_(std::move(key)),
          how_(signing_mechanism(key_->spec(), padding)),
          mechanism_{how_.type, nullptr, 0},
          length_(signature_bytes(key_->spec())),
          input_(how_.digest_prefix) {
        if(how_.type == CKM_RSA_PKCS_PSS) {
            mechanism_.pParameter = &how_.pss;
            mechanism_.ulParameterLen = sizeof(how_.pss);
        }
        if(!how_.hash.empty()) {
            hash_ = Botan::HashFunction::create_or_throw(how_.hash);
        }
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
            input_.resize(how_.digest_prefix.size() + hash_->output_length());
            hash_->final(std::span(input_).subspan(how_.digest_prefix.size()));
        }
        // Also when it fails, the next message begins anew.
        struct NextMessage {
            HsmSignature& operation;
            ~NextMessage() { operation.input_.resize(operation.how_.digest_prefix.size()); }
        } const next{*this};
        auto done = sign_once(0);
        if(done.unproven) {
            // A handle may have become another key's unnoticed: what the key's finding is worth is seen by finding it again.
            for(int wrong = 1; !is_valid(); ++wrong) {
                if(wrong == most_wrong) {
                    throw Error(Errc::verification_failed,
                                "a signature of the " + key_->name() + " does not verify with its public key",
                                "the private and the public object do not belong together, or the token is broken; nothing "
                                "was handed out");
                }
                done = sign_once(done.finding);
                done.repeated = true;
            }
            key_->prove(done.finding);
        }
        key_->token().count_operation(done.repeated, done.unproven);
        return std::move(signature_);
    }

    std::size_t signature_length() const override { return length_; }
    Botan::AlgorithmIdentifier algorithm_identifier() const override { return how_.algorithm; }
    std::string hash_function() const override { return how_.hash_function; }

private:
    CK_RV begin(FunctionList& calls, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) override {
        return calls.C_SignInit(session, &mechanism_, key);
    }

    CK_RV finish(FunctionList& calls, CK_SESSION_HANDLE session) override {
        const auto input = to_token();
        signature_.resize(length_);
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

    std::string_view doing() const noexcept override { return "sign with"; }

    HsmKey::Done sign_once(std::uint64_t distrusted) {
        auto done = key_->perform(*this, distrusted);
        if(!complete_) {
            throw Error(Errc::token_failed,
                        "the " + key_->name() + " made a signature of " + std::to_string(signature_.size()) +
                            " bytes instead of " + std::to_string(length_));
        }
        return done;
    }

    /// A digest longer than the curve's order is cut to it here, as some tokens refuse what they would have to cut.
    /// @spec FIPS 186-5 6.4.1
    [[nodiscard]] std::span<const std::uint8_t> to_token() const {
        const std::span<const std::uint8_t> all(input_);
        return how_.type == CKM_ECDSA ? all.first(std::min(all.size(), length_ / 2)) : all;
    }

    [[nodiscard]] bool is_valid() const {
        const auto inside = key_->token().stay_inside();
        Botan::PK_Verifier verifier(key_->public_key(), how_.verify_padding);
        // "Raw" of PKCS#1 v1.5 sets the DigestInfo itself.
        const auto digest = how_.hash.empty() ? std::span<const std::uint8_t>(input_)
                                              : std::span<const std::uint8_t>(input_).subspan(how_.digest_prefix.size());
        return verifier.verify_message(digest, signature_);
    }

    std::shared_ptr<HsmKey> key_;
    SigningMechanism how_;
    CK_MECHANISM mechanism_;
    std::size_t length_;
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
    return operation == Botan::PublicKeyOperation::Signature;
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

std::unique_ptr<Botan::PK_Ops::Signature> HsmPrivateKey::create_signature_op(Botan::RandomNumberGenerator&,
                                                                             std::string_view params,
                                                                             std::string_view) const {
    return make_signature_operation(key_, params);
}

}  // namespace keyway::pkcs11
