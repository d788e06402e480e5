// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/keys/rsa_unpadding_internal.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>
#include <keyway/pkcs11/recovery.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/bigint.h>
#include <botan/numthry.h>
#include <botan/pk_ops.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Secret = Botan::secure_vector<std::uint8_t>;

/// Whether an answer of C_Decrypt is about the session, the login, the handle or the token's absence, and so nothing that a
/// padding brings about. Anything else may be what this token says to a wrong padding: were it told as such, or the call made
/// again, whoever sent the ciphertext would learn what was in it.
bool tells_nothing_of_the_padding(CK_RV result) {
    switch(result) {
        case CKR_DEVICE_REMOVED:
        case CKR_TOKEN_NOT_PRESENT:
        case CKR_SLOT_ID_INVALID:
            return true;
        default:
            break;
    }
    switch(remedy_for(result)) {
        case Remedy::reopen_session:
        case Remedy::log_in:
        case Remedy::find_key:
        case Remedy::reload_module:
        case Remedy::success:
            return true;
        case Remedy::wait:
        case Remedy::fatal:
        case Remedy::ask_user:
            break;
    }
    return false;
}

/// What a token says to a number that is too large for the key: it is not, for this one.
bool may_be_another_key(CK_RV result) {
    switch(result) {
        case CKR_DATA_INVALID:
        case CKR_DATA_LEN_RANGE:
        case CKR_ENCRYPTED_DATA_INVALID:
        case CKR_ENCRYPTED_DATA_LEN_RANGE:
        case CKR_FUNCTION_FAILED:
        case CKR_GENERAL_ERROR:
            return true;
        default:
            return false;
    }
}

class HsmDecryption final : public Botan::PK_Ops::Decryption, private KeyOperation {
public:
    HsmDecryption(std::shared_ptr<HsmKey> key, std::string_view padding)
        : key_(std::move(key)), padding_name_(padding), padding_(decryption_padding(key_->spec(), padding)) {
        const Botan::RSA_PublicKey rsa(key_->public_key().algorithm_identifier(), key_->public_key().public_key_bits());
        modulus_ = rsa.get_n();
        exponent_ = rsa.get_e();
        bytes_ = modulus_.bytes();
        if(!key_->may_decrypt()) {
            throw Error(Errc::unsupported, "the " + key_->name() + " may not decrypt: it was made without that usage (CKA_DECRYPT)",
                        "make a key with --usage decrypt");
        }
        for(const auto type : {CK_MECHANISM_TYPE{CKM_RSA_X_509}, own_mechanism()}) {
            if(!key_->token().quirk_numbers().avoids(type) && key_->offers(type, CKF_DECRYPT)) {
                ways_.push_back(type);
            }
        }
        if(ways_.empty()) {
            throw Error(Errc::unsupported, key_->token().name() + " offers no decryption with " + in_quotes(padding),
                        "it lacks CKM_RSA_X_509 and " + std::string(padding_.is_oaep ? "CKM_RSA_PKCS_OAEP" : "CKM_RSA_PKCS"));
        }
    }

    Secret decrypt(std::uint8_t& valid_mask, std::span<const std::uint8_t> ciphertext) override {
        valid_mask = 0;
        // What can be told by the ciphertext alone is no secret.
        if(ciphertext.size() > bytes_ || Botan::BigInt::from_bytes(ciphertext) >= modulus_) {
            return {};
        }
        input_.assign(bytes_ - ciphertext.size(), 0);
        input_.insert(input_.end(), ciphertext.begin(), ciphertext.end());
        doubted_ = false;
        key_->use("decrypt", [&] {
            // What the token unpads shows by itself neither that it is right nor that the token is well.
            const bool due = !is_raw() && key_->proof_is_due();
            return key_->perform_proven(
                *this, [&](std::uint64_t finding) { return is_raw() ? is_inverse() : answers_challenge(finding); },
                due ? HsmKey::Proof::demanded : HsmKey::Proof::where_needed);
        });
        auto out = is_raw() ? unpad() : Unpadded{std::exchange(answer_, {}), valid_};
        valid_mask = out.valid;
        return std::move(out.message);
    }

    std::size_t plaintext_length(std::size_t) const override { return bytes_; }

private:
    [[nodiscard]] CK_MECHANISM_TYPE own_mechanism() const { return padding_.is_oaep ? CKM_RSA_PKCS_OAEP : CKM_RSA_PKCS; }
    [[nodiscard]] bool is_raw() const { return ways_[way_] == CKM_RSA_X_509; }

    CK_RV begin(FunctionList& calls, CK_SESSION_HANDLE session, const KeyHandle& key) override {
        if(std::exchange(finding_, key.finding) != key.finding) {
            way_ = 0;  // what the last one could not do, this one may
        }
        for(;; ++way_) {
            CK_RSA_PKCS_OAEP_PARAMS oaep{};
            CK_MECHANISM mechanism{ways_[way_], nullptr, 0};
            if(mechanism.mechanism == CKM_RSA_PKCS_OAEP) {
                oaep = {padding_.hash_mechanism, padding_.mgf, CKZ_DATA_SPECIFIED,
                        padding_.label.empty() ? nullptr : padding_.label.data(), padding_.label.size()};
                mechanism.pParameter = &oaep;
                mechanism.ulParameterLen = sizeof(oaep);
            }
            const auto result = calls.C_DecryptInit(session, &mechanism, key.object);
            if(result == CKR_OK && is_raw() && key_->has_no_raw(key.finding)) {
                key_->note_no_raw(0);
            }
            // The refusal of a handle that may be another object's by now is no reason to go another way.
            if(!is_refusal(result) || !(key.is_fresh || (is_raw() && key_->has_no_raw(key.finding)))) {
                return result;
            }
            if(is_raw()) {
                key_->note_no_raw(key.finding);
            }
            if(way_ + 1 == ways_.size()) {
                finding_ = 0;
                throw Error(Errc::unsupported,
                            "the " + key_->name() + " cannot decrypt with " + in_quotes(padding_name_) + ": " +
                                return_value_name(result),
                            "the token does not do this with the key; another padding or hash may do")
                    .with_return_value(return_value_name(result));
            }
        }
    }

    CK_RV finish(FunctionList& calls, CK_SESSION_HANDLE session) override {
        answer_.assign(bytes_, 0);
        CK_ULONG size = bytes_;
        const auto result = calls.C_Decrypt(session, input_.data(), input_.size(), answer_.data(), &size);
        answered_ = result;
        const bool too_long = result == CKR_OK && size > bytes_;
        if(!is_raw() && (too_long || !tells_nothing_of_the_padding(result))) {
            answer_.clear();
            valid_ = 0;
            return CKR_OK;
        }
        if(too_long) {
            return CKR_GENERAL_ERROR;
        }
        if(is_raw() && may_be_another_key(result) && !std::exchange(doubted_, true)) {
            return CKR_KEY_HANDLE_INVALID;  // so that it is found again
        }
        if(result == CKR_OK) {
            answer_.resize(std::min<std::size_t>(size, bytes_));
            valid_ = 0xff;
            if(is_raw()) {  // some tokens leave out zeros at the front
                answer_.insert(answer_.begin(), bytes_ - answer_.size(), 0);
            }
        }
        return result;
    }

    std::string_view doing() const noexcept override { return "decrypt with"; }
    CK_FLAGS kind() const noexcept override { return CKF_DECRYPT; }

    /// What C_DecryptInit says when the key or the token does not do this, though it may do it in another way.
    bool is_refusal(CK_RV result) const noexcept override {
        switch(result) {
            case CKR_ACTION_PROHIBITED:
            case CKR_ARGUMENTS_BAD:
            case CKR_FUNCTION_NOT_SUPPORTED:
            case CKR_MECHANISM_PARAM_INVALID:
                return true;
            default:
                return KeyOperation::is_refusal(result);
        }
    }

    Error no_proof() override {
        answer_.clear();
        if(challenge_failed_ != CKR_OK) {
            // It was something known that the token did not decrypt: that tells nothing of what came from elsewhere.
            const auto failure = call_failed(challenge_failed_, "decrypt with the " + key_->name());
            return Error(failure.code(), failure.message() + ", also what is encrypted for it here", failure.hint())
                .with_return_value(failure.return_value());
        }
        return {Errc::verification_failed, "what the " + key_->name() + " decrypts does not fit its public key",
                "the private and the public object do not belong together, or the token is broken; nothing was handed out"};
    }

    [[nodiscard]] Unpadded unpad() {
        const auto block = std::exchange(answer_, {});
        if(!padding_.is_oaep) {
            return unpad_pkcs1v15(block);
        }
        const std::vector<std::uint8_t> label(padding_.label.begin(), padding_.label.end());
        return unpad_oaep(block, padding_.hash, padding_.mgf_hash, label);
    }

    /// Raw RSA is undone by the public key.
    [[nodiscard]] bool is_inverse() const {
        return Botan::power_mod(Botan::BigInt::from_bytes(answer_), exponent_, modulus_) == Botan::BigInt::from_bytes(input_);
    }

    /// What the token unpadded cannot be padded again: it decrypts something known instead, by the same finding.
    [[nodiscard]] bool answers_challenge(std::uint64_t finding) {
        auto& rng = Botan::system_rng();
        const auto known = rng.random_vec(16);
        const auto input = std::exchange(input_, [&] {
            const auto inside = key_->token().stay_inside();
            return Botan::PK_Encryptor_EME(key_->public_key(), rng, padding_name_).encrypt(known, rng);
        }());
        const auto answer = std::exchange(answer_, {});
        const auto valid = valid_;
        const auto done = key_->perform(*this);
        challenge_failed_ = answered_;
        const bool fits = done.finding == finding && valid_ != 0 && answer_ == known;
        input_ = input;
        answer_ = answer;
        valid_ = valid;
        return fits;
    }

    std::shared_ptr<HsmKey> key_;
    std::string padding_name_;
    DecryptionPadding padding_;
    Botan::BigInt modulus_;
    Botan::BigInt exponent_;
    std::size_t bytes_ = 0;
    std::vector<CK_MECHANISM_TYPE> ways_;  // by preference
    std::size_t way_ = 0;
    std::uint64_t finding_ = 0;            // that the way is for
    std::vector<std::uint8_t> input_;  // as long as the modulus
    Secret answer_;
    std::uint8_t valid_ = 0;  // of the answer, where the token takes the padding off
    CK_RV answered_ = CKR_OK;          // by C_Decrypt
    CK_RV challenge_failed_ = CKR_OK;  // the same, to what was known
    bool doubted_ = false;             // whether the handle was taken for another key's already
};

}  // namespace

std::unique_ptr<Botan::PK_Ops::Decryption> make_decryption_operation(std::shared_ptr<HsmKey> key, std::string_view padding) {
    return std::make_unique<HsmDecryption>(std::move(key), padding);
}

}  // namespace keyway::pkcs11
