// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/key/wrapping_key_store.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <array>
#include <string_view>
#include <utility>

namespace keyway {

KeyWrapper::~KeyWrapper() = default;
WrappingKeyStore::~WrappingKeyStore() = default;

namespace {

struct Mechanism {
    std::string_view name;
    const char* padding;  ///< Botan's name
};

// The first is the one wished for; SHA-1 in OAEP is no weakness by itself, as nothing rests on collisions.
constexpr std::array mechanisms{Mechanism{"RSA-OAEP-SHA-256", "OAEP(SHA-256)"}, Mechanism{"RSA-OAEP-SHA-1", "OAEP(SHA-1)"}};

constexpr auto signature_padding = "PKCS1v15(SHA-256)";

Error no_such_key() {
    return {Errc::malformed_data, "the wrapped key was wrapped for something else, or has been changed or is damaged",
            "restore it from a copy"};
}

class RsaKeyWrapper final : public KeyWrapper {
public:
    explicit RsaKeyWrapper(std::unique_ptr<Botan::Private_Key> key) : key_(std::move(key)), public_key_(key_->public_key()) {
        if(KeySpec::of(*key_).type() != KeyType::rsa) {
            throw Error(Errc::unsupported,
                        "a key of type " + in_quotes(KeySpec::of(*key_).to_string()) + " cannot wrap other keys",
                        "make an RSA key for it; in an HSM with --usage sign,decrypt");
        }
        if(!key_->supports_operation(Botan::PublicKeyOperation::Encryption)) {
            throw Error(Errc::unsupported, "the key may not decrypt, and so cannot wrap other keys",
                        "make an RSA key with --usage sign,decrypt");
        }
    }

    std::string fingerprint(std::string_view) const override { return SpkiFingerprint::of(*public_key_).to_string(); }

    WrappedKey wrap(const Secret& secret, std::span<const std::uint8_t> purpose) const override {
        for(const auto& mechanism : mechanisms) {
            WrappedKey wrapped{.mechanism = std::string(mechanism.name), .bytes = {}, .signature = {}};
            const Botan::PK_Encryptor_EME encryptor(*public_key_, Botan::system_rng(), mechanism.padding);
            wrapped.bytes = encryptor.encrypt(secret.reveal_bytes(), Botan::system_rng());
            try {
                // What cannot be opened again must not be stored: a token may have another hash, or none.
                if(decrypted(mechanism, wrapped.bytes).reveal() != secret.reveal()) {
                    throw no_such_key();
                }
            } catch(const Error& error) {
                if(error.code() == Errc::unsupported && mechanism.name != mechanisms.back().name) {
                    continue;
                }
                throw;
            }
            if(may_sign()) {
                Botan::PK_Signer signer(*key_, Botan::system_rng(), signature_padding);
                update(signer, wrapped, purpose);
                wrapped.signature = signer.signature(Botan::system_rng());
            }
            return wrapped;
        }
        throw no_such_key();
    }

    Secret unwrap(const WrappedKey& wrapped, std::span<const std::uint8_t> purpose) const override {
        // Not "where there is a signature": whoever put in a key of their own would leave it away.
        if(may_sign()) {
            Botan::PK_Verifier verifier(*public_key_, signature_padding);
            update(verifier, wrapped, purpose);
            if(!verifier.check_signature(wrapped.signature)) {
                throw no_such_key();
            }
        }
        for(const auto& mechanism : mechanisms) {
            if(mechanism.name == wrapped.mechanism) {
                return decrypted(mechanism, wrapped.bytes);
            }
        }
        throw Error(Errc::unsupported, "there is no way of wrapping keys named " + in_quotes(wrapped.mechanism),
                    "use the newer version of keyway that wrote it");
    }

private:
    [[nodiscard]] bool may_sign() const { return key_->supports_operation(Botan::PublicKeyOperation::Signature); }

    [[nodiscard]] Secret decrypted(const Mechanism& mechanism, std::span<const std::uint8_t> bytes) const {
        const Botan::PK_Decryptor_EME decryptor(*key_, Botan::system_rng(), mechanism.padding);
        try {
            return Secret(decryptor.decrypt(bytes));
        } catch(const Error&) {
            throw;
        } catch(const Botan::Exception&) {
            throw no_such_key();
        }
    }

    template <typename Operation>
    static void update(Operation& operation, const WrappedKey& wrapped, std::span<const std::uint8_t> purpose) {
        // The purpose has its own lengths in it (associated data), and the rest none that could be moved: names without a zero.
        operation.update(purpose);
        operation.update(wrapped.mechanism);
        operation.update(std::array<std::uint8_t, 1>{0});
        operation.update(wrapped.bytes);
    }

    std::unique_ptr<Botan::Private_Key> key_;
    std::unique_ptr<Botan::Public_Key> public_key_;
};

}  // namespace

std::unique_ptr<KeyWrapper> rsa_key_wrapper(std::unique_ptr<Botan::Private_Key> key) {
    return std::make_unique<RsaKeyWrapper>(std::move(key));
}

}  // namespace keyway
