// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>
#include <keyway/pkcs11/module_internal.hpp>
#include <keyway/pkcs11/session_pool_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

namespace keyway::pkcs11 {

/// Reads the user PIN at the moment it is needed.
using PinProvider = std::function<Secret()>;

/// The logged-in state of a token, as long as it lives. Login belongs to the token, not to a session: one session is
/// kept open so that it lasts, and nobody logs out, as that would log out every other user in the process.
/// @spec PKCS#11 3.1 5.6.8 (C_Login)
class Login {
public:
    /// Logs in as the normal user; somebody else's login in this process is as good.
    ///
    /// @throws Errc::pin_incorrect once for a wrong PIN, and again without asking the token when the same one comes back
    /// @throws Errc::pin_locked when it is locked, not set, or one wrong try from being locked
    Login(const std::shared_ptr<const Module>& module, CK_SLOT_ID slot, const PinProvider& pin);

    /// Asks the token whether it is still so: others in the process can log out, or close all sessions.
    [[nodiscard]] bool holds() const noexcept;

private:
    Session session_;
};

struct TokenLimits {
    std::size_t most_sessions = 16;
    std::chrono::milliseconds patience{10'000};  ///< how long to wait for a free session
};

/// A token that is present, with its login and its sessions.
/// @threadsafety safe
class Token {
public:
    /// @throws Errc::token_not_found, Errc::token_ambiguous
    Token(std::shared_ptr<const Module> module, const TokenSelector& selector, const TokenLimits& limits);
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;
    ~Token() = default;

    [[nodiscard]] const TokenInfo& info() const noexcept { return info_; }
    [[nodiscard]] FunctionList& calls() const noexcept { return module_->calls(); }
    [[nodiscard]] SessionPool& sessions() noexcept { return pool_; }

    /// A session of one's own, for what changes the token.
    [[nodiscard]] Session open_session(SessionMode mode) const;

    /// Logs in unless somebody in the process is; tokens that need no login are left alone.
    /// @throws as Login
    void log_in(const PinProvider& pin);

    /// For messages: `token "ca"`.
    [[nodiscard]] std::string name() const;

private:
    std::shared_ptr<const Module> module_;
    TokenInfo info_;
    std::mutex login_mutex_;
    std::unique_ptr<Login> login_;
    SessionPool pool_;
};

}  // namespace keyway::pkcs11
