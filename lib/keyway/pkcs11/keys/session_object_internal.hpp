// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/session_internal.hpp>

#include <utility>

namespace keyway::pkcs11 {

/// A session object: it is destroyed, or goes with the session.
class SessionObject {
public:
    SessionObject(const Session& session, CK_OBJECT_HANDLE object) noexcept : session_(&session), object_(object) {}
    SessionObject(SessionObject&& other) noexcept
        : session_(other.session_), object_(std::exchange(other.object_, CK_INVALID_HANDLE)) {}
    SessionObject& operator=(SessionObject&&) = delete;
    SessionObject(const SessionObject&) = delete;
    SessionObject& operator=(const SessionObject&) = delete;
    ~SessionObject() {
        if(object_ != CK_INVALID_HANDLE) {
            session_->calls().C_DestroyObject(session_->handle(), object_);
        }
    }

    [[nodiscard]] CK_OBJECT_HANDLE handle() const noexcept { return object_; }

private:
    const Session* session_;
    CK_OBJECT_HANDLE object_;
};

}  // namespace keyway::pkcs11
