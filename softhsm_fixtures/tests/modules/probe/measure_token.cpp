// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"
#include "measure.hpp"

#include <algorithm>

namespace probe {

namespace {

[[nodiscard]] Bytes padded(std::string_view label) {
    Bytes bytes(32, ' ');
    std::copy(label.begin(), label.end(), bytes.begin());
    return bytes;
}

/// A slot whose token is not initialised.
///
/// @throws Refused when there is none
[[nodiscard]] CK_SLOT_ID free_slot(const Module& module) {
    for (const CK_SLOT_ID slot : module.slots()) {
        if ((module.token_info(slot).flags & CKF_TOKEN_INITIALIZED) == 0) {
            return slot;
        }
    }
    throw Refused("no slot has a token that is not initialised");
}

/// Initialises the slot's token and sets its user's PIN, all by the target's PINs.
void initialise_token(const Module& module, CK_SLOT_ID slot, std::string_view label) {
    const Target& target = module.target();
    Bytes so_pin = from_text(target.so_pin);
    so_pin.reserve(1);
    Bytes name = padded(label);
    check("C_InitToken", module.p11().C_InitToken(slot, so_pin.data(), so_pin.size(), name.data()));
    Session session(module, module.slot_of(std::string(label)), Session::Login::none);
    session.log_in(CKU_SO, target.so_pin);
    Bytes user_pin = from_text(target.user_pin);
    check("C_InitPIN", module.p11().C_InitPIN(session.handle(), user_pin.data(), user_pin.size()));
}

void wipe_and_rename(const Target& target) {
    const Module module(target);
    {
        Session session(module);
        static_cast<void>(generate_pair(session, usual_kind, {.label = "wiped"}));
    }
    initialise_token(module, module.slot(), "another name");
    module.finalise();
    module.initialise();
    Session session(module, module.slot_of("another name"), Session::Login::user);
    require(session.find(Template().number(CKA_CLASS, CKO_PRIVATE_KEY)).empty(), "the keys are there still");
}

void two_tokens(const Target& target) {
    const Module module(target);
    initialise_token(module, free_slot(module), "second");
    module.finalise();
    module.initialise();
    for (const std::string& label : {target.label, std::string("second")}) {
        Session session(module, module.slot_of(label), Session::Login::user);
        static_cast<void>(generate_pair(session, usual_kind, {.label = label}));
    }
    Session first(module);
    require(first.find(Template().number(CKA_CLASS, CKO_PRIVATE_KEY).text(CKA_LABEL, "second")).empty(),
            "a token shows the other's key");
}

/// The label and the PINs of a new token come from C_InitToken and C_InitPIN: of this one, or of a second one.
void init_token(const Target& target) {
    try {
        wipe_and_rename(target);
    } catch (const Refused&) {
        two_tokens(target);
    }
}

void so_login(const Target& target) {
    const Module module(target);
    Session session(module, Session::Login::none);
    session.log_in(CKU_SO, target.so_pin);
}

void set_pin(const Target& target) {
    const Module module(target);
    Bytes old_pin = from_text(target.user_pin);
    Bytes new_pin(old_pin.rbegin(), old_pin.rend());
    new_pin[0] = new_pin[0] == '1' ? '2' : '1';
    {
        Session session(module);
        check("C_SetPIN", module.p11().C_SetPIN(session.handle(), old_pin.data(), old_pin.size(), new_pin.data(),
                                                new_pin.size()));
    }
    module.finalise();
    module.initialise();
    Session session(module, Session::Login::none);
    session.log_in(CKU_USER, {new_pin.begin(), new_pin.end()});
    session.log_out();
    require(module.p11().C_Login(session.handle(), CKU_USER, old_pin.data(), old_pin.size()) != CKR_OK,
            "the old PIN works still");
}

void so_resets_user_pin(const Target& target) {
    const Module module(target);
    const std::string fresh = "97531864";
    {
        Session session(module, Session::Login::none);
        session.log_in(CKU_SO, target.so_pin);
        Bytes pin = from_text(fresh);
        check("C_InitPIN", module.p11().C_InitPIN(session.handle(), pin.data(), pin.size()));
    }
    Session session(module, Session::Login::none);
    session.log_in(CKU_USER, fresh);
}

void lock_out(const Target& target) {
    constexpr int attempts = 40;
    const Module module(target);
    Session session(module, Session::Login::none);
    for (int attempt = 0; attempt < attempts; ++attempt) {
        try {
            session.log_in(CKU_USER, "0" + target.user_pin.substr(1) + "0");
        } catch (const RefusedBy&) {
        }
    }
    try {
        session.log_in(CKU_USER, target.user_pin);
    } catch (const RefusedBy&) {
        return;
    }
    throw Refused("the PIN works after " + std::to_string(attempts) + " wrong ones");
}

void protected_path(const Target& target) {
    const Module module(target);
    require((module.token_info(module.slot()).flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0,
            "CKF_PROTECTED_AUTHENTICATION_PATH is not set");
}

void operation_state(Session& session) {
    Mechanism mechanism(CKM_SHA256);
    Bytes message = openssl::message();
    check("C_DigestInit", session.p11().C_DigestInit(session.handle(), mechanism.get()));
    check("C_DigestUpdate", session.p11().C_DigestUpdate(session.handle(), message.data(), message.size()));
    Bytes state(65536);
    CK_ULONG size = state.size();
    check("C_GetOperationState", session.p11().C_GetOperationState(session.handle(), state.data(), &size));
    Session other(session.module());
    check("C_SetOperationState", other.p11().C_SetOperationState(other.handle(), state.data(), size, 0, 0));
    Bytes output(32);
    CK_ULONG output_size = output.size();
    check("C_DigestFinal", other.p11().C_DigestFinal(other.handle(), output.data(), &output_size));
    require(output == openssl::message_digest(), "the digest that was taken over is wrong");
}

/// As PKCS#11 3.0 has it.
struct Interface {
    char* name;
    void* functions;
    CK_FLAGS flags;
};

[[nodiscard]] Measurement offers_interface(CK_BYTE minor) {
    return [minor](const Target& target) {
        const Module module(target);
        using GetInterface = CK_RV (*)(CK_UTF8CHAR*, CK_VERSION*, Interface**, CK_FLAGS);
        const auto get_interface = reinterpret_cast<GetInterface>(module.symbol("C_GetInterface"));
        require(get_interface != nullptr, "the library has no C_GetInterface");
        Bytes name = from_text("PKCS 11");
        name.push_back(0);
        CK_VERSION version{3, minor};
        Interface* found = nullptr;
        check("C_GetInterface", get_interface(name.data(), &version, &found, 0));
        require(found != nullptr && found->functions != nullptr, "there is no function list");
        const auto* offered = static_cast<const CK_VERSION*>(found->functions);
        require(offered->major == 3 && offered->minor == minor, "the function list is of another version");
    };
}

} // namespace

void add_token_measurements(Measurements& all) {
    all["init-token"] = init_token;
    all["reinit-token"] = wipe_and_rename;
    all["several-tokens"] = two_tokens;
    all["so-login"] = so_login;
    all["set-pin"] = set_pin;
    all["reset-user-pin"] = so_resets_user_pin;
    all["user-pin-lockout"] = lock_out;
    all["protected-authentication-path"] = protected_path;
    all["operation-state"] = in_session(operation_state);
    all["3.0-interface"] = offers_interface(0);
    all["3.2-interface"] = offers_interface(2);
}

} // namespace probe
