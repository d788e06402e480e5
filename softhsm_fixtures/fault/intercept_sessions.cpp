// SPDX-License-Identifier: BSD-2-Clause
// Sessions, logins and PINs.
#include "intercepts.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace pkcs11_fault {

namespace {

/// The bytes of a PIN that are gone when it goes.
class Pin {
public:
    explicit Pin(const std::string& file) {
        std::ifstream stream(file, std::ios::binary);
        text_.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
        while (text_.ends_with('\n') || text_.ends_with('\r')) {
            text_.pop_back();
        }
    }
    ~Pin() {
        volatile char* bytes = text_.data();
        for (std::size_t i = 0; i < text_.size(); ++i) {
            bytes[i] = 0;
        }
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

    [[nodiscard]] CK_UTF8CHAR* data() { return reinterpret_cast<CK_UTF8CHAR*>(text_.data()); }
    [[nodiscard]] CK_ULONG size() const { return static_cast<CK_ULONG>(text_.size()); }

private:
    std::string text_;
};

/// Notes what a token notes that counts wrong PINs.
void note_answer(Runtime& runtime, const Call& call, PinOwner owner, CK_RV value) {
    // Without a slot the session is none of this module's, and no token was asked.
    if (!call.slot) {
        return;
    }
    if (value == CKR_PIN_INCORRECT) {
        runtime.pins.failed(*call.slot, owner);
    } else if (value == CKR_OK) {
        runtime.pins.succeeded(*call.slot, owner);
    }
}

/// Logs in with the PIN that was given, or with the one that somebody has typed at the token.
template <typename LogIn>
[[nodiscard]] CK_RV log_in(Runtime& runtime, const Call& call, CK_UTF8CHAR* pin, CK_ULONG size, const LogIn& real) {
    CK_RV value = CKR_OK;
    const auto* pad = call.newest_fault<PinPad>();
    if (pad != nullptr && pin == nullptr) {
        Pin typed(pad->pin_file);
        value = typed.size() == 0 ? CKR_FUNCTION_CANCELED : real(typed.data(), typed.size());
    } else if (pad != nullptr && pad->only) {
        value = CKR_ARGUMENTS_BAD;
    } else {
        value = real(pin, size);
    }
    note_answer(runtime, call, *call.pin_owner, value);
    return value;
}

} // namespace

CK_RV Intercept<Function::C_OpenSession>::call(Runtime& runtime, const Call& call, CK_SLOT_ID slot, CK_FLAGS flags,
                                               void* application, CK_NOTIFY notify, CK_SESSION_HANDLE* session) {
    if ((flags & CKF_RW_SESSION) != 0 && call.newest_fault<ReadOnlyToken>() != nullptr) {
        return CKR_TOKEN_WRITE_PROTECTED;
    }
    const auto* cap = call.newest_fault<SessionCap>();
    if (!runtime.sessions.begin_opening(slot, cap == nullptr ? std::nullopt : std::optional(cap->sessions))) {
        return CKR_SESSION_COUNT;
    }
    const CK_RV value = runtime.real.call<Function::C_OpenSession>(slot, flags, application, notify, session);
    if (value == CKR_OK) {
        runtime.sessions.opened(*session, slot);
    } else {
        runtime.sessions.not_opened(slot);
    }
    return value;
}

CK_RV Intercept<Function::C_CloseSession>::call(Runtime& runtime, const Call& /*call*/, CK_SESSION_HANDLE session) {
    const CK_RV value = runtime.real.call<Function::C_CloseSession>(session);
    if (value == CKR_OK) {
        runtime.sessions.closed(session);
    }
    return value;
}

CK_RV Intercept<Function::C_CloseAllSessions>::call(Runtime& runtime, const Call& /*call*/, CK_SLOT_ID slot) {
    const CK_RV value = runtime.real.call<Function::C_CloseAllSessions>(slot);
    if (value == CKR_OK) {
        runtime.sessions.take(slot);
    }
    return value;
}

CK_RV Intercept<Function::C_GetSessionInfo>::call(Runtime& runtime, const Call& /*call*/, CK_SESSION_HANDLE session,
                                                  CK_SESSION_INFO* info) {
    const CK_RV value = runtime.real.call<Function::C_GetSessionInfo>(session, info);
    if (value == CKR_OK) {
        info->slotID = runtime.devices.seen(info->slotID);
    }
    return value;
}

CK_RV Intercept<Function::C_Login>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                         CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size) {
    return log_in(runtime, call, pin, size, [&](CK_UTF8CHAR* text, CK_ULONG length) {
        return runtime.real.call<Function::C_Login>(session, user, text, length);
    });
}

CK_RV Intercept<Function::C_LoginUser>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                             CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size, CK_UTF8CHAR* name,
                                             CK_ULONG name_size) {
    return log_in(runtime, call, pin, size, [&](CK_UTF8CHAR* text, CK_ULONG length) {
        return runtime.real.call<Function::C_LoginUser>(session, user, text, length, name, name_size);
    });
}

CK_RV Intercept<Function::C_SetPIN>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                          CK_UTF8CHAR* old_pin, CK_ULONG old_size, CK_UTF8CHAR* new_pin,
                                          CK_ULONG new_size) {
    CK_SESSION_INFO info{};
    const bool known = runtime.real.call<Function::C_GetSessionInfo>(session, &info) == CKR_OK;
    const PinOwner owner =
        known && info.state == CKS_RW_SO_FUNCTIONS ? PinOwner::security_officer : PinOwner::user;
    // Who is logged in has shown the PIN; nobody else may change one that is locked.
    const bool logged_in = known && (info.state == CKS_RW_SO_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
    if (!logged_in && runtime.is_locked(call, owner)) {
        return CKR_PIN_LOCKED;
    }
    const CK_RV value =
        runtime.real.call<Function::C_SetPIN>(session, old_pin, old_size, new_pin, new_size);
    note_answer(runtime, call, owner, value);
    return value;
}

CK_RV Intercept<Function::C_InitPIN>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                           CK_UTF8CHAR* pin, CK_ULONG size) {
    const CK_RV value = runtime.real.call<Function::C_InitPIN>(session, pin, size);
    if (value == CKR_OK) {
        // This is how a locked PIN is unlocked.
        note_answer(runtime, call, PinOwner::user, value);
    }
    return value;
}

} // namespace pkcs11_fault
