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
    handle_ = found.private_object;
    spec_ = KeySpec::of(*found.public_key);
    public_key_ = std::move(found.public_key);
}

std::string HsmKey::name() const {
    return "key " + selector_.to_string() + " in " + token_->name();
}

CK_OBJECT_HANDLE HsmKey::find(const Session& session) {
    proven_.store(false, std::memory_order_release);
    const auto found = find_key(session, selector_, fingerprint_, token_->name());
    handle_.store(found.private_object, std::memory_order_release);
    return found.private_object;
}

HsmKey::Remedy HsmKey::remedy_for(CK_RV result) noexcept {
    switch(result) {
        case CKR_SESSION_HANDLE_INVALID:
        case CKR_SESSION_CLOSED:
        case CKR_OPERATION_ACTIVE:
            return Remedy::new_session;
        case CKR_KEY_HANDLE_INVALID:
        case CKR_OBJECT_HANDLE_INVALID:
            return Remedy::find_again;
        case CKR_USER_NOT_LOGGED_IN:
            return Remedy::log_in_again;
        default:
            return Remedy::none;
    }
}

HsmKey::Signature HsmKey::sign(CK_MECHANISM& mechanism, std::span<const std::uint8_t> input, std::size_t most_bytes) {
    // Some modules take a null pointer for an empty message as a mistake.
    std::array<std::uint8_t, 1> nothing{};
    auto* const data = input.empty() ? nothing.data() : const_cast<std::uint8_t*>(input.data());
    auto& calls = token_->calls();

    // Twice is enough for each remedy in turn (log in, then the handle is stale); a loop that goes on hides a fault.
    constexpr int most_attempts = 4;
    for(int attempt = 1;; ++attempt) {
        auto loan = token_->sessions().borrow();
        const auto session = loan.session().handle();
        auto handle = handle_.load(std::memory_order_acquire);
        if(handle == CK_INVALID_HANDLE) {
            handle = find(loan.session());
        }
        const bool proven = proven_.load(std::memory_order_acquire);
        Signature out{std::vector<std::uint8_t>(most_bytes), !proven};
        CK_ULONG size = most_bytes;
        auto result = calls.C_SignInit(session, &mechanism, handle);
        if(result == CKR_OK) {
            result = calls.C_Sign(session, data, input.size(), out.bytes.data(), &size);
            if(result == CKR_OK) {
                out.bytes.resize(size);
                return out;
            }
        }
        // The failed operation may still be active in this session.
        loan.discard();
        const auto remedy = remedy_for(result);
        if(remedy == Remedy::none || attempt == most_attempts) {
            throw call_failed(result, "sign with the " + name());
        }
        if(remedy == Remedy::log_in_again) {
            token_->log_in_again(pin_);
        }
        if(remedy != Remedy::new_session) {
            handle_.store(CK_INVALID_HANDLE, std::memory_order_release);
        }
    }
}

}  // namespace keyway::pkcs11
