// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/module_internal.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace keyway::pkcs11 {

enum class SessionMode { read_only, read_write };

/// An open session with a token; closed when it goes. To be made, used and destroyed by one who has a Module::Use.
class Session {
public:
    /// @throws Errc::token_failed and others, by call_failed
    Session(std::shared_ptr<const Module> module, CK_SLOT_ID slot, SessionMode mode, const Deadline& deadline = usual_deadline());

    /// As the constructor, for those who decide by the return value what to do.
    /// @param deadline of waiting for others, where the module opens sessions one at a time
    [[nodiscard]] static CK_RV open(const std::shared_ptr<const Module>& module,
                                    CK_SLOT_ID slot,
                                    SessionMode mode,
                                    std::unique_ptr<Session>& out,
                                    const Deadline& deadline = usual_deadline());

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    [[nodiscard]] CK_SESSION_HANDLE handle() const noexcept { return handle_; }
    [[nodiscard]] FunctionList& calls() const noexcept { return module_->calls(); }

    /// To be held while objects of the token are looked for, or made.
    [[nodiscard]] Module::ObjectsTurn turn_for(Module::ObjectWork work) const { return {*module_, work}; }

    /// The module said that there is no such session: its number may be another one's by now, so it is not closed.
    void forget() noexcept { handle_ = CK_INVALID_HANDLE; }

    /// Forgets it when the return value of a call means that it is gone.
    void forget_if_gone(CK_RV result) noexcept;

    /// What the module says of it now; forgotten when that is an error.
    [[nodiscard]] CK_RV state(CK_STATE& out) noexcept;

    /// Whether a user is logged in, as the module says; false on an error.
    [[nodiscard]] bool is_logged_in() noexcept;

    [[nodiscard]] static Deadline usual_deadline() { return Deadline(Milliseconds(10'000)); }

private:
    Session(std::shared_ptr<const Module> module, CK_SESSION_HANDLE handle) noexcept;

    std::shared_ptr<const Module> module_;
    std::uint64_t generation_;
    CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
};

/// The mode in which the token lets sessions be opened: the preferred one, or the other where that is refused. By one who has a
/// Module::Use; it opens a session and closes it again.
/// @throws as Session, when neither can be opened
[[nodiscard]] SessionMode usable_mode(const std::shared_ptr<const Module>& module, CK_SLOT_ID slot, SessionMode preferred);

/// A session together with the right to use it, for work that needs one for itself.
class OwnSession {
public:
    /// @throws also Errc::timed_out when others are in a module that stands one at a time, or initialise it, for longer
    OwnSession(std::shared_ptr<const Module> module,
               CK_SLOT_ID slot,
               SessionMode mode,
               const Deadline& deadline = Session::usual_deadline())
        : use_(*module, deadline), session_(std::move(module), slot, mode, deadline) {}

    [[nodiscard]] Session& operator*() noexcept { return session_; }
    [[nodiscard]] const Session& operator*() const noexcept { return session_; }

private:
    Module::Use use_;  // ends after the session
    Session session_;
};

}  // namespace keyway::pkcs11
