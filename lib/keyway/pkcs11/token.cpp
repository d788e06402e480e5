// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <algorithm>
#include <utility>

namespace keyway::pkcs11 {

namespace {

void require_usable_pin(const TokenInfo& token) {
    if(token.user_pin_locked) {
        throw Error(Errc::pin_locked, "the user PIN of token " + in_quotes(token.label) + " is locked",
                    "the security officer has to set a new user PIN");
    }
    if(token.user_pin_final_try) {
        throw Error(Errc::pin_locked,
                    "one more wrong PIN locks token " + in_quotes(token.label) + ", so no login is attempted",
                    "log in once by hand with the right PIN, or have the security officer set a new one");
    }
    if(!token.user_pin_initialized) {
        throw Error(Errc::pin_locked, "token " + in_quotes(token.label) + " has no user PIN yet",
                    "the security officer has to set one");
    }
}

/// What the token now says of the tries that are left; PKCS#11 tells them only as three flags.
std::string tries_left(const Module& module, CK_SLOT_ID slot) {
    try {
        const auto token = module.token_in(slot);
        if(token.user_pin_locked) {
            return "the PIN is now locked: the security officer has to set a new one";
        }
        if(token.user_pin_final_try) {
            return "the token says that one try is left before the PIN is locked";
        }
        if(token.user_pin_count_low) {
            return "the token counts wrong tries and does not say how many are left";
        }
    } catch(const Error&) {
        // The login's own error is the one to tell.
    }
    return "the token does not say how many tries are left";
}

Error pin_rejected(const Module& module, const TokenInfo& token, CK_RV result) {
    const auto name = "user PIN of token " + in_quotes(token.label);
    const auto error = call_failed(result, "log in to token " + in_quotes(token.label));
    return Error(error.code(), "the " + name + " is wrong; it was tried once and is not tried again",
                 tries_left(module, token.slot))
        .with_return_value(error.return_value());
}

/// One session stays with the login and one is kept for changes.
std::optional<std::size_t> sessions_for_signing(const TokenInfo& token) {
    if(!token.most_sessions) {
        return std::nullopt;
    }
    return *token.most_sessions > 3 ? *token.most_sessions - 2 : 1;
}

}  // namespace

Login::Login(const std::shared_ptr<const Module>& module, CK_SLOT_ID slot, const PinProvider& pin)
    : session_(module, slot, SessionMode::read_only) {
    const auto logins = RejectedPins::lock_logins(module->token_in(slot));
    if(holds()) {
        return;
    }
    const auto token = module->token_in(slot);
    require_usable_pin(token);
    const auto value = pin();
    if(RejectedPins::contains(token, value)) {
        throw Error(Errc::pin_incorrect,
                    "the user PIN of token " + in_quotes(token.label) + " was rejected before and is not tried again",
                    "supply the right PIN; " + tries_left(*module, slot));
    }
    // C_Login takes a pointer to non-const, and reads only.
    auto* const bytes = const_cast<CK_UTF8CHAR*>(value.reveal_bytes().data());
    const auto result = module->calls().C_Login(session_.handle(), CKU_USER, bytes, value.size());
    if(result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN) {
        return;
    }
    const auto error = call_failed(result, "log in to token " + in_quotes(token.label));
    if(error.code() == Errc::pin_incorrect) {
        RejectedPins::add(token, value);
        throw pin_rejected(*module, token, result);
    }
    throw error;
}

bool Login::holds() const noexcept {
    CK_SESSION_INFO state{};
    return session_.calls().C_GetSessionInfo(session_.handle(), &state) == CKR_OK &&
           (state.state == CKS_RO_USER_FUNCTIONS || state.state == CKS_RW_USER_FUNCTIONS);
}

Token::Token(std::shared_ptr<const Module> module, const TokenSelector& selector, const TokenLimits& limits)
    : module_(std::move(module)),
      info_(select_token(module_->tokens(), selector, module_->name())),
      pool_(module_,
            info_.slot,
            std::min(limits.most_sessions, sessions_for_signing(info_).value_or(limits.most_sessions)),
            limits.patience) {}

Session Token::open_session(SessionMode mode) const {
    return {module_, info_.slot, mode};
}

void Token::log_in(const PinProvider& pin) {
    if(!info_.login_required) {
        return;
    }
    const std::lock_guard lock(login_mutex_);
    if(login_ && login_->holds()) {
        return;
    }
    // Who ended the login may have closed all sessions with it.
    pool_.drop_idle();
    // The new one is made before the old one's session is closed: closing the last session of a process logs out.
    auto renewed = std::make_unique<Login>(module_, info_.slot, pin);
    login_ = std::move(renewed);
}

std::string Token::name() const {
    return "token " + in_quotes(info_.label);
}

}  // namespace keyway::pkcs11
