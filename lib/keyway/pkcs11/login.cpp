// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/login_internal.hpp>
#include <keyway/pkcs11/rejected_pins_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <vector>

namespace keyway::pkcs11 {

namespace {

std::string pin_of(const TokenInfo& token) {
    return "user PIN of token " + in_quotes(token.label);
}

/// By which a person shows that a PIN is right; in a form that also works where there is no terminal.
std::string login_of(const PinProvider& pin) {
    return "keyway token login --backend " + pin.backend();
}

/// What can be told before the PIN is read.
void require_usable_pin(const TokenInfo& token, const PinProvider& pin) {
    if(token.user_pin_locked) {
        throw Error(Errc::pin_locked, "the " + pin_of(token) + " is locked",
                    "the security officer has to set a new user PIN");
    }
    if(token.user_pin_final_try && !pin.may_be_the_last_try()) {
        throw Error(Errc::pin_locked,
                    "one more wrong PIN locks token " + in_quotes(token.label) + ", so no login is attempted",
                    "when you are sure of the PIN: " + login_of(pin) +
                        " --last-try --user-pin SOURCE; or have the security officer set a new one");
    }
    if(!token.user_pin_initialized) {
        throw Error(Errc::pin_locked, "token " + in_quotes(token.label) + " has no user PIN yet",
                    "the security officer has to set one");
    }
}

std::string show_the_right_one(const PinProvider& pin) {
    return "when it is corrected, show that it is right: " + login_of(pin) + " --user-pin SOURCE";
}

struct Asking {
    const Module& module;
    const Module::Use& use;
    CK_SLOT_ID slot;
    const TokenInfo& token;
    const Deadline& deadline;
};

/// What the token now says of the tries that are left; PKCS#11 tells them only as three flags.
std::string tries_left(const Asking& asking, const PinProvider& pin) {
    try {
        const auto token = asking.module.token_in(asking.use, asking.slot, asking.deadline);
        if(token.user_pin_locked) {
            return "the PIN is now locked: the security officer has to set a new one";
        }
        if(token.user_pin_final_try) {
            return "the token says that one try is left before the PIN is locked; when you are sure of the PIN: " + login_of(pin) +
                   " --last-try --user-pin SOURCE";
        }
        if(token.user_pin_count_low) {
            return "the token counts wrong tries and does not say how many are left; " + show_the_right_one(pin);
        }
    } catch(const Error&) {
        // The login's own error is the one to tell.
    }
    return "the token does not say how many tries are left; " + show_the_right_one(pin);
}

/// A service that starts again and again with a wrong PIN in its settings would lock the token: each start knows nothing of the
/// last, but the token does.
void require_no_wrong_one_before(const TokenInfo& token, const PinProvider& pin) {
    if(token.user_pin_count_low && !pin.may_follow_a_wrong_one()) {
        throw Error(Errc::pin_locked,
                    "the last " + pin_of(token) + " that was tried was wrong, so no login is attempted unattended",
                    "correct the PIN's source, then show that it is right: " + login_of(pin) + " --user-pin SOURCE");
    }
}

Error knows_no_user_names(const Module& module) {
    return {Errc::unsupported, "the PKCS#11 module " + in_quotes(module.name()) + " knows no users by name",
            "it has no C_LoginUser, which PKCS#11 3.0 added: take the option user-name out"};
}

/// The one user of a token is not to be logged in for another.
void require_user_names(const Module& module, const PinProvider& pin) {
    if(!pin.user_name().empty() && (module.newer_calls() == nullptr || module.newer_calls()->C_LoginUser == nullptr)) {
        throw knows_no_user_names(module);
    }
}

CK_RV call_login(const Asking& asking, const Session& session, CK_USER_TYPE who, const PinProvider& provider, CK_UTF8CHAR* pin,
                 CK_ULONG size) {
    const auto& name = provider.user_name();
    require_user_names(asking.module, provider);
    const auto turn = asking.module.session_turn(asking.deadline);
    if(!turn.granted()) {
        return CKR_FUNCTION_FAILED;
    }
    if(name.empty()) {
        return session.calls().C_Login(session.handle(), who, pin, size);
    }
    // C_LoginUser takes pointers to non-const, and reads only.
    std::vector<CK_UTF8CHAR> bytes(name.begin(), name.end());
    const auto result = asking.module.newer_calls()->C_LoginUser(session.handle(), who, pin, size, bytes.data(), bytes.size());
    if(result == CKR_FUNCTION_NOT_SUPPORTED) {
        throw knows_no_user_names(asking.module);
    }
    return result;
}

/// One login with a PIN that was not rejected before.
CK_RV try_pin(const Asking& asking, const Session& session, CK_USER_TYPE who, const PinProvider& pin) {
    if(asking.token.pin_pad) {
        require_no_wrong_one_before(asking.token, pin);
        const auto result = call_login(asking, session, who, pin, nullptr, 0);
        if(result != CKR_OK && call_failed(result, {}).code() == Errc::pin_incorrect) {
            throw Error(Errc::pin_incorrect, "the " + pin_of(asking.token) + " entered at the token is wrong",
                        tries_left(asking, pin))
                .with_return_value(return_value_name(result));
        }
        return result;
    }
    const auto value = pin();
    if(RejectedPins::contains(asking.token, pin.user_name(), value)) {
        throw Error(Errc::pin_incorrect,
                    "the " + pin_of(asking.token) + " was rejected before and is not tried again",
                    "give the right PIN; " + tries_left(asking, pin));
    }
    require_no_wrong_one_before(asking.token, pin);
    // C_Login takes a pointer to non-const, and reads only.
    auto* const bytes = const_cast<CK_UTF8CHAR*>(value.reveal_bytes().data());
    const auto result = call_login(asking, session, who, pin, bytes, value.size());
    if(result != CKR_OK && call_failed(result, {}).code() == Errc::pin_incorrect) {
        RejectedPins::add(asking.token, pin.user_name(), value);
        throw Error(Errc::pin_incorrect,
                    "the " + pin_of(asking.token) + " is wrong; it was tried once and is not tried again",
                    tries_left(asking, pin))
            .with_return_value(return_value_name(result));
    }
    return result;
}

}  // namespace

LoginOutcome log_in_user(const Module& module,
                         const Module::Use& use,
                         CK_SLOT_ID slot,
                         Session& session,
                         const PinProvider& pin,
                         const Deadline& deadline) {
    require_user_names(module, pin);
    const auto logins = RejectedPins::lock_logins(module.token_in(use, slot, deadline), deadline);
    if(session.is_logged_in()) {
        return LoginOutcome::joined;
    }
    const auto token = module.token_in(use, slot, deadline);
    require_usable_pin(token, pin);
    const auto result = try_pin({module, use, slot, token, deadline}, session, CKU_USER, pin);
    if(result == CKR_USER_ALREADY_LOGGED_IN) {
        return LoginOutcome::joined;
    }
    if(result != CKR_OK) {
        throw call_failed(result, "log in to token " + in_quotes(token.label));
    }
    return LoginOutcome::done;
}

CK_RV log_in_for_operation(const Module& module,
                           CK_SLOT_ID slot,
                           const Module::Use& use,
                           const Session& session,
                           const PinProvider& pin,
                           const Deadline& deadline) {
    const auto token = module.token_in(use, slot, deadline);
    const auto logins = RejectedPins::lock_logins(token, deadline);
    require_usable_pin(token, pin);
    const auto result = try_pin({module, use, slot, token, deadline}, session, CKU_CONTEXT_SPECIFIC, pin);
    return result == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : result;
}

}  // namespace keyway::pkcs11
