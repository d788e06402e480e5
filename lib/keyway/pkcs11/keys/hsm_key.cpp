// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <array>
#include <utility>

namespace keyway::pkcs11 {

HsmKey::HsmKey(std::shared_ptr<Token> token,
               PinProvider pin,
               KeySelector selector,
               const SpkiFingerprint& fingerprint)
    : token_(std::move(token)),
      pin_(std::move(pin)),
      selector_(std::move(selector)),
      fingerprint_(fingerprint),
      spec_(KeySpec::parse("ed25519")) {
    const auto loan = token_->sessions().borrow();
    auto found = find_key(loan.session(), selector_, fingerprint_, token_->name());
    found_ = &findings_.emplace_back(found.private_object);
    spec_ = KeySpec::of(*found.public_key);
    public_key_ = std::move(found.public_key);
}

HsmKey::HsmKey(std::shared_ptr<Token> token,
               PinProvider pin,
               KeySelector selector,
               const SpkiFingerprint& fingerprint,
               FoundKey found)
    : token_(std::move(token)),
      pin_(std::move(pin)),
      selector_(std::move(selector)),
      fingerprint_(fingerprint),
      public_key_(std::move(found.public_key)),
      spec_(KeySpec::of(*public_key_)) {
    found_ = &findings_.emplace_back(found.private_object);
}

std::string HsmKey::name() const {
    return "key " + selector_.to_string() + " in " + token_->name();
}

HsmKey::Found* HsmKey::find_again(const Session& session, const Found* outdated) {
    const std::lock_guard lock(finding_);
    auto* const latest = found_.load(std::memory_order_acquire);
    if(latest != outdated) {
        return latest;
    }
    // Whoever is not logged in sees no private key: the login is looked at first, or a key would be missed that is there.
    token_->log_in(pin_);
    const auto found = find_key(session, selector_, fingerprint_, token_->name());
    auto* const renewed = &findings_.emplace_back(found.private_object);
    found_.store(renewed, std::memory_order_release);
    return renewed;
}

HsmKey::Remedy HsmKey::remedy_for(CK_RV result) noexcept {
    switch(result) {
        case CKR_SESSION_HANDLE_INVALID:
        case CKR_SESSION_CLOSED:
        case CKR_OPERATION_ACTIVE:
            return Remedy::new_session;
        case CKR_KEY_HANDLE_INVALID:
        case CKR_OBJECT_HANDLE_INVALID:
        case CKR_USER_NOT_LOGGED_IN:
            return Remedy::find_again;
        default:
            return Remedy::none;
    }
}

HsmKey::Signature HsmKey::sign(CK_MECHANISM& mechanism, std::span<const std::uint8_t> input, std::size_t most_bytes) {
    // Some modules take a null pointer for an empty message as a mistake.
    std::array<std::uint8_t, 1> nothing{};
    auto* const data = input.empty() ? nothing.data() : const_cast<std::uint8_t*>(input.data());
    auto& calls = token_->calls();

    // Enough for each remedy in turn: a lost session, then a login that went with it, then a stale handle.
    constexpr int most_attempts = 4;
    const Found* outdated = nullptr;
    for(int attempt = 1;; ++attempt) {
        auto loan = token_->sessions().borrow();
        auto* found = found_.load(std::memory_order_acquire);
        if(found == outdated) {
            found = find_again(loan.session(), outdated);
        }
        Signature out{std::vector<std::uint8_t>(most_bytes), found};
        CK_ULONG size = most_bytes;
        const auto session = loan.session().handle();
        auto result = calls.C_SignInit(session, &mechanism, found->handle);
        if(result == CKR_OK) {
            result = calls.C_Sign(session, data, input.size(), out.bytes.data(), &size);
            if(result == CKR_OK && size <= most_bytes) {
                out.bytes.resize(size);
                return out;
            }
        }
        // The failed operation may still be active in this session.
        loan.discard();
        const auto remedy = remedy_for(result);
        if(remedy == Remedy::none || attempt == most_attempts) {
            throw call_failed(result == CKR_OK ? CKR_GENERAL_ERROR : result, "sign with the " + name());
        }
        if(remedy == Remedy::new_session) {
            token_->sessions().drop_idle();
        } else {
            outdated = found;
        }
    }
}

}  // namespace keyway::pkcs11
