// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/session_internal.hpp>

#include <new>

namespace keyway::pkcs11 {

namespace {

CK_RV open_session(const Module& module, CK_SLOT_ID slot, SessionMode mode, CK_SESSION_HANDLE& handle, const Deadline& deadline) {
    // A forked child that has not initialised the module may still be let in, by its parent's state.
    if(!module.is_initialised()) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    const auto turn = module.session_turn(deadline);
    if(!turn.granted()) {
        return CKR_FUNCTION_FAILED;
    }
    const CK_FLAGS flags = CKF_SERIAL_SESSION | (mode == SessionMode::read_write ? CKF_RW_SESSION : 0);
    return module.calls().C_OpenSession(slot, flags, nullptr, nullptr, &handle);
}

}  // namespace

Session::Session(std::shared_ptr<const Module> module, CK_SLOT_ID slot, SessionMode mode, const Deadline& deadline)
    : module_(std::move(module)), generation_(module_->generation()) {
    if(const auto result = open_session(*module_, slot, mode, handle_, deadline); result != CKR_OK) {
        throw call_failed(result, "open a session with the token in slot " + std::to_string(slot));
    }
}

Session::Session(std::shared_ptr<const Module> module, CK_SESSION_HANDLE handle) noexcept
    : module_(std::move(module)), generation_(module_->generation()), handle_(handle) {}

CK_RV Session::open(const std::shared_ptr<const Module>& module,
                    CK_SLOT_ID slot,
                    SessionMode mode,
                    std::unique_ptr<Session>& out,
                    const Deadline& deadline) {
    CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
    const auto result = open_session(*module, slot, mode, handle, deadline);
    if(result == CKR_OK) {
        out.reset(new(std::nothrow) Session(module, handle));
        if(!out) {
            module->close_session(handle);
            return CKR_HOST_MEMORY;
        }
    }
    return result;
}

SessionMode usable_mode(const std::shared_ptr<const Module>& module, CK_SLOT_ID slot, SessionMode preferred) {
    std::unique_ptr<Session> session;
    const auto result = Session::open(module, slot, preferred, session);
    if(result == CKR_OK) {
        return preferred;
    }
    const auto other = preferred == SessionMode::read_only ? SessionMode::read_write : SessionMode::read_only;
    if(Session::open(module, slot, other, session) != CKR_OK) {
        throw call_failed(result, "open a session with the token in slot " + std::to_string(slot));
    }
    return other;
}

Session::~Session() {
    // After the module was initialised anew, the number is no session of this object.
    if(handle_ == CK_INVALID_HANDLE || process_is_exiting() || module_->generation() != generation_) {
        return;
    }
    module_->close_session(handle_);
}

void Session::forget_if_gone(CK_RV result) noexcept {
    switch(result) {
        case CKR_SESSION_HANDLE_INVALID:
        case CKR_SESSION_CLOSED:
        case CKR_DEVICE_REMOVED:
        case CKR_TOKEN_NOT_PRESENT:
        case CKR_CRYPTOKI_NOT_INITIALIZED:
            forget();
            break;
        default:
            break;
    }
}

CK_RV Session::state(CK_STATE& out) noexcept {
    if(handle_ == CK_INVALID_HANDLE || module_->generation() != generation_) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    CK_SESSION_INFO info{};
    const auto result = module_->calls().C_GetSessionInfo(handle_, &info);
    out = info.state;
    if(result != CKR_OK) {
        forget_if_gone(result);
    }
    return result;
}

bool Session::is_logged_in() noexcept {
    CK_STATE now = 0;
    return state(now) == CKR_OK && (now == CKS_RO_USER_FUNCTIONS || now == CKS_RW_USER_FUNCTIONS);
}

}  // namespace keyway::pkcs11
