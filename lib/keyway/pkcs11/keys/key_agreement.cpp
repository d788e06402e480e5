// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/object_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/ec_apoint.h>
#include <botan/der_enc.h>
#include <botan/ec_group.h>
#include <botan/ecc_key.h>
#include <botan/ecdh.h>
#include <botan/kdf.h>
#include <botan/pk_ops.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x448.h>

#include <algorithm>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Secret = Botan::secure_vector<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

Error no_point(const KeySpec& spec) {
    return {Errc::invalid_argument, "the other key is no public key of type " + in_quotes(spec.to_string()),
            "give the bytes of a public key on the same curve, as `raw_public_key_bits` has them"};
}

class HsmAgreement final : public Botan::PK_Ops::Key_Agreement, private KeyOperation {
public:
    HsmAgreement(std::shared_ptr<HsmKey> key, std::string_view kdf) : key_(std::move(key)) {
        const auto& spec = key_->spec();
        if(spec.type() != KeyType::ec && spec.can_sign()) {
            throw Error(Errc::unsupported, "a key of type " + in_quotes(spec.to_string()) + " agrees on no secrets",
                        "use a key on an EC curve, x25519 or x448");
        }
        if(!key_->may_derive()) {
            throw Error(Errc::unsupported,
                        "the " + key_->name() + " may not agree on secrets: it was made without that usage (CKA_DERIVE)",
                        "make a key with --usage derive");
        }
        if(!key_->offers(CKM_ECDH1_DERIVE, CKF_DERIVE)) {
            throw Error(Errc::unsupported, key_->token().name() + " agrees on no secrets", "it lacks CKM_ECDH1_DERIVE");
        }
        if(!kdf.empty() && kdf != "Raw") {
            kdf_ = Botan::KDF::create_or_throw(kdf);
        }
        if(spec.type() == KeyType::ec) {
            group_ = Botan::EC_Group::from_name(spec.curve());
        }
        bytes_ = spec.type() == KeyType::ec ? group_->get_p_bytes() : (spec.bits() + 7) / 8;
    }

    Secret agree(std::size_t key_bytes, std::span<const std::uint8_t> other_key, std::span<const std::uint8_t> salt) override {
        other_ = checked(other_key);
        key_->use("agree", [&] {
            return key_->perform_proven(*this, [&](std::uint64_t finding) { return answers_challenge(finding); });
        });
        const auto secret = std::exchange(secret_, {});
        if(!kdf_) {
            return secret;
        }
        return kdf_->derive_key(key_bytes, secret, salt, std::span<const std::uint8_t>{});
    }

    std::size_t agreed_value_size() const override { return bytes_; }

private:
    /// In the form that all tokens take: uncompressed. A point beside the curve would draw the key out of a careless token.
    [[nodiscard]] Bytes checked(std::span<const std::uint8_t> other_key) const {
        if(!group_) {
            require_high_order(other_key);
            return {other_key.begin(), other_key.end()};
        }
        const auto point = Botan::EC_AffinePoint::deserialize(*group_, other_key);
        if(!point || point->is_identity()) {
            throw no_point(key_->spec());
        }
        return point->serialize_uncompressed();
    }

    /// A point of low order makes a secret that everybody knows: zeros, with any key.
    /// @spec RFC 7748 6.1, 6.2
    void require_high_order(std::span<const std::uint8_t> other_key) const {
        if(other_key.size() != bytes_) {
            throw no_point(key_->spec());
        }
        auto& rng = Botan::system_rng();
        const auto with_any_key = [&]() -> Secret {
            const auto inside = key_->token().stay_inside();
            try {
                return bytes_ == 32 ? Botan::PK_Key_Agreement(Botan::X25519_PrivateKey(rng), rng, "Raw").derive_key(0, other_key).bits_of()
                                    : Botan::PK_Key_Agreement(Botan::X448_PrivateKey(rng), rng, "Raw").derive_key(0, other_key).bits_of();
            } catch(const Botan::Invalid_Argument&) {  // Botan looks for it too
                return Secret(bytes_);
            }
        }();
        if(with_any_key == Secret(bytes_)) {
            throw no_point(key_->spec());
        }
    }

    CK_RV begin(FunctionList&, CK_SESSION_HANDLE, const KeyHandle& key) override {
        handle_ = key.object;
        return CKR_OK;
    }

    // C_DeriveKey has no beginning, behind which the PIN could be shown.
    bool takes_login() const noexcept override { return false; }

    CK_RV finish(FunctionList& calls, CK_SESSION_HANDLE session) override {
        CK_OBJECT_HANDLE derived = CK_INVALID_HANDLE;
        auto result = derive_with_or_without_length(calls, session, other_, derived);
        if(group_ && may_not_read_point(result)) {
            // The standard has both forms (PKCS#11 3.1 6.3.18), and some tokens guess: 0x04 begins the DER too.
            Bytes der;
            Botan::DER_Encoder(der).encode(other_, Botan::ASN1_Type::OctetString);
            if(derive_with_or_without_length(calls, session, der, derived) == CKR_OK) {
                result = CKR_OK;
            }
        }
        if(result != CKR_OK) {
            return result;
        }
        result = read(calls, session, derived);
        const auto destroyed = calls.C_DestroyObject(session, derived);
        if(result == CKR_ATTRIBUTE_SENSITIVE) {
            throw Error(Errc::unsupported, key_->token().name() + " does not hand out the secret that it derived",
                        "its policy keeps all secret keys inside")
                .with_return_value(return_value_name(result));
        }
        // With its session an object that was not destroyed goes as well.
        return result != CKR_OK ? result : destroyed;
    }

    static bool may_not_read_point(CK_RV result) noexcept {
        return result == CKR_GENERAL_ERROR || result == CKR_FUNCTION_FAILED || result == CKR_ARGUMENTS_BAD ||
               result == CKR_MECHANISM_PARAM_INVALID;
    }

    /// Some tokens refuse the length, which is what the mechanism makes anyway.
    CK_RV derive_with_or_without_length(FunctionList& calls, CK_SESSION_HANDLE session, Bytes& point, CK_OBJECT_HANDLE& derived) {
        const auto result = derive(calls, session, true, point, derived);
        if(result == CKR_TEMPLATE_INCONSISTENT || result == CKR_ATTRIBUTE_READ_ONLY || result == CKR_ATTRIBUTE_TYPE_INVALID) {
            return derive(calls, session, false, point, derived);
        }
        return result;
    }

    CK_RV derive(FunctionList& calls, CK_SESSION_HANDLE session, bool with_length, Bytes& point, CK_OBJECT_HANDLE& derived) {
        Template wanted;
        wanted.add_number(CKA_CLASS, CKO_SECRET_KEY).add_number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        wanted.add_no(CKA_TOKEN).add_no(CKA_SENSITIVE).add_yes(CKA_EXTRACTABLE);
        if(with_length) {
            wanted.add_number(CKA_VALUE_LEN, bytes_);
        }
        CK_ECDH1_DERIVE_PARAMS parameters{CKD_NULL, 0, nullptr, point.size(), point.data()};
        CK_MECHANISM mechanism{CKM_ECDH1_DERIVE, &parameters, sizeof(parameters)};
        return calls.C_DeriveKey(session, &mechanism, handle_, wanted.data(), wanted.size(), &derived);
    }

    CK_RV read(FunctionList& calls, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE derived) {
        secret_.assign(bytes_, 0);
        CK_ATTRIBUTE value{CKA_VALUE, secret_.data(), secret_.size()};
        const auto result = calls.C_GetAttributeValue(session, derived, &value, 1);
        if(result == CKR_OK && (value.ulValueLen == 0 || value.ulValueLen > bytes_)) {
            return CKR_GENERAL_ERROR;  // also where it says that there is none
        }
        if(result == CKR_OK) {
            secret_.resize(value.ulValueLen);
            secret_.insert(secret_.begin(), bytes_ - secret_.size(), 0);  // some tokens leave out zeros at the front
        }
        return result;
    }

    std::string_view doing() const noexcept override { return "agree on a secret with"; }
    CK_FLAGS kind() const noexcept override { return 0; }

    Error no_proof() override {
        secret_.clear();
        return {Errc::verification_failed, "what the " + key_->name() + " agrees on does not fit its public key",
                "the private and the public object do not belong together, or the token is broken; nothing was handed out"};
    }

    /// By the same finding, the token agrees with a key that was made for this, and has to come to the same as that key with the
    /// public key.
    [[nodiscard]] bool answers_challenge(std::uint64_t finding) {
        Secret expected;
        auto other = std::exchange(other_, [&] {
            const auto inside = key_->token().stay_inside();
            return challenge(expected);
        }());
        const auto secret = std::exchange(secret_, {});
        const auto done = key_->perform(*this);
        const bool fits = done.finding == finding && secret_ == expected;
        other_ = std::move(other);
        secret_ = secret;
        return fits;
    }

    /// The public half of a new key, and what it agrees on with this key's public half.
    [[nodiscard]] Bytes challenge(Secret& expected) const {
        auto& rng = Botan::system_rng();
        const auto agree = [&](const Botan::PK_Key_Agreement_Key& mine) {
            const auto theirs = key_->public_key().raw_public_key_bits();
            expected = Botan::PK_Key_Agreement(mine, rng, "Raw").derive_key(0, theirs).bits_of();
            return mine.public_value();
        };
        switch(key_->spec().type()) {
            case KeyType::x25519:
                return agree(Botan::X25519_PrivateKey(rng));
            case KeyType::x448:
                return agree(Botan::X448_PrivateKey(rng));
            default:
                return agree(Botan::ECDH_PrivateKey(rng, *group_));
        }
    }

    std::shared_ptr<HsmKey> key_;
    std::unique_ptr<Botan::KDF> kdf_;       // null for none
    std::optional<Botan::EC_Group> group_;  // of an EC key
    std::size_t bytes_ = 0;                 // of the secret
    CK_OBJECT_HANDLE handle_ = CK_INVALID_HANDLE;
    Bytes other_;
    Secret secret_;
};

}  // namespace

std::unique_ptr<Botan::PK_Ops::Key_Agreement> make_agreement_operation(std::shared_ptr<HsmKey> key, std::string_view kdf) {
    return std::make_unique<HsmAgreement>(std::move(key), kdf);
}

}  // namespace keyway::pkcs11
