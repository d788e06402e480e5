// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/use_teller_internal.hpp>
#include <keyway/pkcs11/keys/aes_key_wrapper_internal.hpp>
#include <keyway/pkcs11/keys/key_wrapping_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>

#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/mem_ops.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Bytes = Botan::secure_vector<std::uint8_t>;

struct NamedMechanism {
    CK_MECHANISM_TYPE type;
    std::string_view name;
};

constexpr std::array mechanisms{NamedMechanism{CKM_AES_KEY_WRAP_KWP, "AES-KEY-WRAP-KWP"},
                                NamedMechanism{CKM_AES_KEY_WRAP, "AES-KEY-WRAP"},
                                NamedMechanism{CKM_AES_KEY_WRAP_PAD, "AES-KEY-WRAP-PAD"}};

constexpr std::size_t hash_size = 32;

CK_MECHANISM_TYPE mechanism_named(std::string_view name) {
    const auto found = std::ranges::find(mechanisms, name, &NamedMechanism::name);
    if(found == mechanisms.end()) {
        throw Error(Errc::unsupported, "an AES key has no way of wrapping keys named " + in_quotes(name),
                    "use the newer version of keyway that wrote it, or the key that wrapped it");
    }
    return found->type;
}

std::string name_of(CK_MECHANISM_TYPE type) {
    return std::string(std::ranges::find(mechanisms, type, &NamedMechanism::type)->name);
}

std::vector<std::uint8_t> hash_of(std::string_view what, std::span<const std::uint8_t> bytes) {
    const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
    hash->update(what);
    hash->update(std::array<std::uint8_t, 1>{0});
    hash->update(bytes);
    return hash->final_stdvec();
}

class AesKeyWrapper final : public KeyWrapper {
    // First, as their results are deduced.
    template <typename Work>
    auto with_key(const Work& work) const {
        return token_->with_session(SessionMode::read_only, pin_, [&](const Session& session) {
            return work(session, find_wrapping_key(session, selector_, token_->name()));
        });
    }

    /// One use of the key, which is told before its result is handed out.
    template <typename Work>
    auto use(std::string_view operation, const Work& work) const {
        if(!teller_) {
            return with_key(work);
        }
        return teller_->tell(operation, [&](KeyUse& told) {
            int attempts = 0;
            const auto count = [&] {
                told.failures = std::max(attempts - 1, 0);
                told.repeated = attempts > 1;
            };
            try {
                auto result = with_key([&](const Session& session, CK_OBJECT_HANDLE key) {
                    ++attempts;
                    return work(session, key);
                });
                count();
                return result;
            } catch(...) {
                count();
                throw;
            }
        });
    }

public:
    AesKeyWrapper(std::shared_ptr<Token> token, const PinProvider& pin, KeySelector selector, std::optional<UseTeller> teller)
        : token_(std::move(token)), pin_(pin), selector_(std::move(selector)), teller_(std::move(teller)) {}

    /// Wrapping is the same each time, so that what a constant is wrapped to tells the key, and nothing about it.
    std::string fingerprint(std::string_view mechanism) const override {
        return use("identify", [&](const Session& session, CK_OBJECT_HANDLE key) {
            constexpr std::array<std::uint8_t, hash_size> constant{'k', 'e', 'y', 'w', 'a', 'y'};
            // What an RSA key wrapped, this key has not.
            const auto by = mechanism.starts_with("AES-") ? mechanism_named(mechanism) : 0;
            const auto wrapped = wrap_bytes(session, key, constant, by);
            return Botan::hex_encode(hash_of(name_of(wrapped.mechanism), wrapped.bytes), false);
        });
    }

    keyway::WrappedKey wrap(const Secret& secret, std::span<const std::uint8_t> purpose) const override {
        return use("wrap", [&](const Session& session, CK_OBJECT_HANDLE key) {
            Bytes bytes(secret.reveal_bytes().begin(), secret.reveal_bytes().end());
            const auto mark = hash_of("purpose", purpose);
            bytes.insert(bytes.end(), mark.begin(), mark.end());
            const auto wrapped = wrap_bytes(session, key, bytes);
            // What cannot be opened again must not be stored: a policy may keep all secrets inside.
            if(unwrap_bytes(session, key, wrapped) != bytes) {
                throw Error(Errc::unsupported, "the token does not give back the secret that it wrapped",
                            "use another token, or an RSA key");
            }
            return keyway::WrappedKey{.mechanism = name_of(wrapped.mechanism), .bytes = wrapped.bytes, .signature = {}};
        });
    }

    Secret unwrap(const keyway::WrappedKey& wrapped, std::span<const std::uint8_t> purpose) const override {
        return use("unwrap", [&](const Session& session, CK_OBJECT_HANDLE key) {
            auto bytes = unwrap_bytes(session, key, {.mechanism = mechanism_named(wrapped.mechanism), .bytes = wrapped.bytes});
            const auto mark = hash_of("purpose", purpose);
            if(bytes.size() <= hash_size ||
               !Botan::constant_time_compare(std::span(bytes).last(hash_size), std::span(mark))) {
                throw Error(Errc::malformed_data, "the wrapped key was wrapped for something else", "restore it from a copy");
            }
            bytes.resize(bytes.size() - hash_size);
            return Secret(bytes);
        });
    }

private:
    std::shared_ptr<Token> token_;
    PinProvider pin_;
    KeySelector selector_;
    std::optional<UseTeller> teller_;
};

}  // namespace

std::unique_ptr<KeyWrapper> aes_key_wrapper(std::shared_ptr<Token> token,
                                            const PinProvider& pin,
                                            const std::string& label,
                                            const std::string& backend,
                                            const KeyUseObserver& observer) {
    const KeySelector selector{.id = std::nullopt, .label = label};
    const bool is_there = token->with_session(SessionMode::read_only, pin, [&](const Session& session) {
        try {
            return find_wrapping_key(session, selector, token->name()) != CK_INVALID_HANDLE;
        } catch(const Error& error) {
            if(error.code() != Errc::key_not_found) {
                throw;
            }
            token->require_sight(session);
            return false;
        }
    });
    if(!is_there) {
        return nullptr;
    }
    std::optional<UseTeller> teller;
    if(observer) {
        teller.emplace(backend, "AES key " + selector.to_string() + " in " + token->name(), label, observer);
    }
    return std::make_unique<AesKeyWrapper>(std::move(token), pin, selector, std::move(teller));
}

}  // namespace keyway::pkcs11
