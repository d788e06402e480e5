// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/pkcs11/login_internal.hpp>
#include <keyway/pkcs11/module_internal.hpp>
#include <keyway/pkcs11/quirks/module_info_internal.hpp>
#include <keyway/pkcs11/rejected_pins_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/session_internal.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/token_admin_internal.hpp>

#include <algorithm>
#include <array>

namespace keyway::pkcs11 {

namespace {

using Label = std::array<CK_UTF8CHAR, 32>;

Label padded_label(const std::string& label) {
    Label padded{};
    // Blanks at the end are padding to the token: "ca " would become a second "ca".
    if(label.empty() || label.size() > padded.size() || !is_text(label) || visible(label) != label ||
       label.front() == ' ' || label.back() == ' ') {
        throw Error(Errc::invalid_argument, in_quotes(label) + " is no token label",
                    "use 1 to 32 bytes of UTF-8 without control characters, and no blank at either end");
    }
    padded.fill(' ');
    std::ranges::copy(label, padded.begin());
    return padded;
}

CK_UTF8CHAR* bytes_of(const Secret& pin) {
    return const_cast<CK_UTF8CHAR*>(pin.reveal_bytes().data());  // PKCS#11 lacks the const and reads only
}

TokenInfo empty_token(const std::vector<TokenInfo>& tokens, const NewToken& wanted, const std::string& module) {
    for(const auto& token : tokens) {
        if(token.initialized && token.label == wanted.label) {
            throw Error(Errc::already_exists,
                        "module " + in_quotes(module) + " has a token with label " + in_quotes(wanted.label) + " already",
                        "use that one, which `keyway token list` shows, or choose another label; a token that is in use is "
                        "never initialised again");
        }
    }
    for(const auto& token : tokens) {
        if(wanted.serial && token.serial != *wanted.serial) {
            continue;
        }
        if(!token.initialized) {
            return token;
        }
        if(wanted.serial) {
            throw Error(Errc::already_exists,
                        "the token with serial " + in_quotes(*wanted.serial) + " is initialised already, as " +
                            in_quotes(token.label),
                        "a token that is in use is never initialised again");
        }
    }
    if(wanted.serial) {
        throw Error(Errc::token_not_found,
                    "module " + in_quotes(module) + " shows no token with serial " + in_quotes(*wanted.serial),
                    "`keyway token list` shows those there are");
    }
    throw Error(Errc::token_not_found, "module " + in_quotes(module) + " shows no uninitialised token",
                "a token that is in use is never initialised again");
}

void set_user_pin(const std::shared_ptr<Module>& module, CK_SLOT_ID slot, const Secret& so_pin, const Secret& user_pin) {
    const OwnSession own(module, slot, SessionMode::read_write);
    const auto& session = *own;
    auto& calls = module->calls();
    auto result = calls.C_Login(session.handle(), CKU_SO, bytes_of(so_pin), so_pin.size());
    if(result != CKR_OK) {
        throw call_failed(result, "log in to the new token as security officer");
    }
    result = calls.C_InitPIN(session.handle(), bytes_of(user_pin), user_pin.size());
    // The security officer's login would otherwise stay with other sessions of this process.
    calls.C_Logout(session.handle());
    if(result != CKR_OK) {
        throw call_failed(result, "set the user PIN of the new token");
    }
}

}  // namespace

void require_length(const Secret& pin, const TokenInfo& token, const QuirkProfile& quirks, std::string_view role) {
    if(quirks.pin_length_unknown || token.longest_pin == 0) {
        return;
    }
    if(pin.size() < token.shortest_pin || pin.size() > token.longest_pin) {
        throw Error(Errc::pin_incorrect,
                    "the " + std::string(role) + " PIN for the new token has a length that the token does not take",
                    "it takes " + std::to_string(token.shortest_pin) + " to " + std::to_string(token.longest_pin) +
                        " bytes");
    }
}

void require_initialisable(const TokenInfo& token, const QuirkProfile& quirks) {
    if(quirks.lacks_function("C_InitToken") || quirks.lacks_function("C_InitPIN")) {
        throw Error(Errc::unsupported,
                    "a token of " + in_quotes(token.manufacturer) + " is not initialised by its PKCS#11 module",
                    "by the quirk profile " + in_quotes(quirks.name) + " the module cannot; use the vendor's own tools");
    }
}

std::vector<TokenInfo> list_tokens(const ModuleName& module) {
    return Module::open(module.value, module.init_args)->tokens();
}

TokenInfo find_empty_token(const ModuleName& module_name, const NewToken& wanted) {
    static_cast<void>(padded_label(wanted.label));
    const auto module = Module::open(module_name.value, module_name.init_args);
    return empty_token(module->tokens(), wanted, module->name());
}

TokenInfo init_token(const ModuleName& module_name, const NewToken& wanted) {
    auto label = padded_label(wanted.label);
    const auto module = Module::open(module_name.value, module_name.init_args);
    const auto before = module->tokens();
    const auto empty = empty_token(before, wanted, module->name());

    const auto quirks = load_quirks("auto", empty, module_info(*module));
    require_initialisable(empty, quirks);
    const auto so_pin = wanted.so_pin();
    const auto user_pin = wanted.user_pin();
    require_length(so_pin, empty, quirks, "security officer's");
    require_length(user_pin, empty, quirks, "user");
    const auto result = [&] {
        const Module::Use use(*module);
        return module->calls().C_InitToken(empty.slot, bytes_of(so_pin), so_pin.size(), label.data());
    }();
    if(result != CKR_OK) {
        throw call_failed(result, "initialise a token with label " + in_quotes(wanted.label));
    }
    // Initialising may have moved the token to another slot: it is found by the label that only it has.
    TokenSelector by_label;
    by_label.label = wanted.label;
    auto made = select_token(module->tokens(), by_label, module->name());
    set_user_pin(module, made.slot, so_pin, user_pin);
    RejectedPins::forget(made);
    const Module::Use use(*module);
    return module->token_in(use, made.slot);
}

TokenInfo log_in_once(const ModuleName& module_name,
                      const TokenSelector& selector,
                      const std::function<Secret()>& user_pin,
                      LastTry last_try,
                      const std::string& user_name) {
    const auto module = Module::open(module_name.value, module_name.init_args);
    const auto token = select_token(module->tokens(), selector, module->name());
    using From = PinProvider::From;
    const auto from = last_try == LastTry::risk ? From::person_at_risk : last_try == LastTry::refuse ? From::person : From::source;
    const PinProvider pin(user_pin, from, user_name);
    constexpr std::chrono::minutes patience{5};  // a person types
    const Module::Use use(*module);
    const bool read_write = load_quirks("auto", token, module_info(*module)).read_write_sessions;
    Session session(module, token.slot,
                    usable_mode(module, token.slot, read_write ? SessionMode::read_write : SessionMode::read_only));
    if(log_in_user(*module, use, token.slot, session, pin, Deadline(patience)) == LoginOutcome::done) {
        const auto turn = module->session_turn();
        module->calls().C_Logout(session.handle());
    }
    return module->token_in(use, token.slot);
}

}  // namespace keyway::pkcs11
