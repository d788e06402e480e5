// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <botan/pk_keys.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace keyway::pkcs11 {

/// A private key in a token: how to find it, and its handle once found.
/// @threadsafety safe: each signature borrows a session of its own
class HsmKey {
public:
    /// Finds the key.
    /// @throws as find_key
    HsmKey(std::shared_ptr<Token> token, PinProvider pin, KeySelector selector, const SpkiFingerprint& fingerprint);

    /// Takes a key that was found already, as find_keys does for many.
    /// @throws Errc::unsupported when it is of no kind that Keyway knows
    HsmKey(std::shared_ptr<Token> token,
           PinProvider pin,
           KeySelector selector,
           const SpkiFingerprint& fingerprint,
           FoundKey found);

    /// The private object as it was found, and whether a signature of it was verified since.
    struct Found {
        CK_OBJECT_HANDLE handle;
        std::atomic<bool> proven{false};
    };

    struct Signature {
        std::vector<std::uint8_t> bytes;
        Found* by = nullptr;  ///< what made it; unless it is proven, the signature is to be verified before it is used
    };

    /// One C_SignInit and C_Sign. A session or handle that was lost is replaced: the key is then found again, and has to be
    /// the same one.
    ///
    /// @param mechanism not changed; PKCS#11 lacks the const
    /// @param most_bytes the longest signature there can be
    [[nodiscard]] Signature sign(CK_MECHANISM& mechanism, std::span<const std::uint8_t> input, std::size_t most_bytes);

    [[nodiscard]] const Botan::Public_Key& public_key() const noexcept { return *public_key_; }
    [[nodiscard]] const KeySpec& spec() const noexcept { return spec_; }

    /// For messages: `key with label "root" in token "ca"`.
    [[nodiscard]] std::string name() const;

private:
    enum class Remedy { none, new_session, find_again };
    [[nodiscard]] static Remedy remedy_for(CK_RV result) noexcept;

    /// Finds the key unless another thread just did so since `outdated` was found.
    [[nodiscard]] Found* find_again(const Session& session, const Found* outdated);

    std::shared_ptr<Token> token_;
    PinProvider pin_;
    KeySelector selector_;
    SpkiFingerprint fingerprint_;
    std::shared_ptr<const Botan::Public_Key> public_key_;
    KeySpec spec_;

    // Each finding stays until the key goes, so that signing threads need no lock to read the last one.
    std::mutex finding_;
    std::deque<Found> findings_;
    std::atomic<Found*> found_{nullptr};
};

/// The key as Botan sees it: it signs, and says of itself what its public key says.
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

private:
    std::shared_ptr<HsmKey> key_;
};

/// A signature with the key, by a padding of Botan's.
/// @throws Errc::unsupported when the key cannot sign so
[[nodiscard]] std::unique_ptr<Botan::PK_Ops::Signature> make_signature_operation(std::shared_ptr<HsmKey> key,
                                                                                 std::string_view padding);

}  // namespace keyway::pkcs11
