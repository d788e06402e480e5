// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/module_internal.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace keyway::pkcs11 {

enum class SessionMode { read_only, read_write };

/// An open session with a token; closed when it goes.
/// @threadsafety for one thread at a time
class Session {
public:
    /// @throws Errc::token_not_found, Errc::token_failed
    Session(std::shared_ptr<const Module> module, CK_SLOT_ID slot, SessionMode mode);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    [[nodiscard]] CK_SESSION_HANDLE handle() const noexcept { return handle_; }
    [[nodiscard]] FunctionList& calls() const noexcept { return module_->calls(); }

private:
    std::shared_ptr<const Module> module_;
    CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
};

/// Read-only sessions that are lent out one user at a time: no more than a bound, in the order of asking.
/// @threadsafety safe
class SessionPool {
public:
    /// A session on loan. It goes back when this is destroyed, unless it was discarded or an exception is on its way: then
    /// it may be broken, and is closed.
    class Loan {
    public:
        Loan(Loan&& other) noexcept
            : pool_(std::exchange(other.pool_, nullptr)),
              session_(std::move(other.session_)),
              exceptions_before_(other.exceptions_before_) {}
        Loan& operator=(Loan&&) = delete;
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        ~Loan();

        [[nodiscard]] Session& session() const noexcept { return *session_; }

        /// The session is not to be used again: it is closed instead of going back.
        void discard() noexcept;

    private:
        friend class SessionPool;
        Loan(SessionPool& pool, std::unique_ptr<Session> session) noexcept;

        SessionPool* pool_;  // null once moved from
        std::unique_ptr<Session> session_;
        int exceptions_before_ = std::uncaught_exceptions();
    };

    SessionPool(std::shared_ptr<const Module> module,
                CK_SLOT_ID slot,
                std::size_t most_sessions,
                std::chrono::milliseconds patience);
    SessionPool(const SessionPool&) = delete;
    SessionPool& operator=(const SessionPool&) = delete;
    ~SessionPool() = default;

    /// @throws Errc::timed_out when none becomes free in time; Errc::token_failed when none can be opened
    [[nodiscard]] Loan borrow();

    /// Closes the sessions that nobody uses: where one was lost, the others probably are too.
    void drop_idle() noexcept;

private:
    struct Waiter {
        std::condition_variable woken;
        bool may_go = false;
    };

    void give_back(std::unique_ptr<Session> session) noexcept;
    void wake_next() noexcept;

    std::shared_ptr<const Module> module_;
    CK_SLOT_ID slot_;
    std::size_t most_sessions_;
    std::chrono::milliseconds patience_;

    std::mutex mutex_;
    std::vector<std::unique_ptr<Session>> idle_;
    std::size_t lent_ = 0;  // on loan, or promised to a waiter that was woken
    std::deque<Waiter*> waiting_;
};

}  // namespace keyway::pkcs11
