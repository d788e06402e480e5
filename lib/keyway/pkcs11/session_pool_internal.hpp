// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/deadline_internal.hpp>
#include <keyway/pkcs11/session_internal.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace keyway::pkcs11 {

struct PoolLimits {
    using Clock = Deadline::Clock;

    std::size_t most_sessions = 16;
    Milliseconds patience{10'000};   ///< how long to wait for a free session
    Milliseconds idle_check{10'000}; ///< a session unused for longer is asked after before it is lent
    std::optional<Milliseconds> idle_end{};  ///< one unused for longer is gone, whatever the module says of it
    SessionMode mode = SessionMode::read_only;
    std::function<void(Clock::time_point since)> waited{};  ///< told when somebody got a session that he had to wait for
};

/// Sessions that are lent out one user at a time: no more than a bound, in the order of asking.
/// @threadsafety safe
class SessionPool {
public:
    using Clock = Deadline::Clock;

    /// A session on loan, with the right to use it. It goes back when this is destroyed, unless it was discarded or an
    /// exception is on its way: then it may be broken, and is closed.
    class Loan {
    public:
        Loan(Loan&& other) noexcept
            : pool_(std::exchange(other.pool_, nullptr)),
              use_(std::move(other.use_)),
              session_(std::move(other.session_)),
              series_(other.series_),
              exceptions_before_(other.exceptions_before_) {}
        Loan& operator=(Loan&&) = delete;
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        ~Loan();

        [[nodiscard]] Session& session() const noexcept { return *session_; }
        [[nodiscard]] const Module::Use& use() const noexcept { return use_; }

        /// The session is not to be used again: it is closed instead of going back.
        /// @param why the return value that made it so
        void discard(CK_RV why) noexcept;

    private:
        friend class SessionPool;
        Loan(SessionPool& pool, Module::Use use, std::unique_ptr<Session> session, std::uint64_t series) noexcept;

        SessionPool* pool_;  // null once moved from
        Module::Use use_;    // ends after the session has gone back
        std::unique_ptr<Session> session_;
        std::uint64_t series_;
        int exceptions_before_ = std::uncaught_exceptions();
    };

    SessionPool(std::shared_ptr<const Module> module, CK_SLOT_ID slot, const PoolLimits& limits);
    SessionPool(const SessionPool&) = delete;
    SessionPool& operator=(const SessionPool&) = delete;
    ~SessionPool() = default;

    /// @return CKR_OK, or why no session could be opened
    /// @throws Errc::timed_out when none becomes free in time
    [[nodiscard]] CK_RV borrow(const Deadline& deadline, std::optional<Loan>& out);

    /// Opens so many sessions ahead, as far as the bound and the token allow. By one who has a Module::Use.
    void warm(std::size_t sessions, const Deadline& deadline);

    /// Where one session was lost, others probably are too: each is asked after before it is lent again.
    void suspect_all() noexcept;

    /// Closes the sessions that nobody uses. By one who has a Module::Use.
    void drop_idle() noexcept;

    /// The token is in this slot now, and the sessions of before are not used any more: those that are idle are closed now, those
    /// on loan when they come back. By one who has a Module::Use.
    void move_to(CK_SLOT_ID slot) noexcept;

    struct Usage {
        std::size_t most = 0;     ///< the bound that holds now
        std::size_t in_use = 0;
        std::size_t idle = 0;
        std::size_t waiting = 0;  ///< threads that wait for one
        std::uint64_t opened = 0;
        std::uint64_t lost = 0;   ///< found gone, or discarded
        std::uint64_t waits = 0;  ///< how often somebody had to wait
    };
    [[nodiscard]] Usage usage() const;

private:
    struct Waiter {
        std::condition_variable woken;
        bool may_go = false;
    };
    struct Idle {
        std::unique_ptr<Session> session;
        Clock::time_point last_used;
    };

    void wait_for_turn(std::unique_lock<std::mutex>& lock, const Deadline& deadline, bool first);
    [[nodiscard]] std::unique_ptr<Session> take_idle(std::unique_lock<std::mutex>& lock, std::uint64_t& series);
    void give_back(std::unique_ptr<Session> session, std::uint64_t series) noexcept;
    void release_permit() noexcept;
    void wake_those_who_may_go() noexcept;

    std::shared_ptr<const Module> module_;
    PoolLimits limits_;

    mutable std::mutex mutex_;
    CK_SLOT_ID slot_;
    std::uint64_t series_ = 0;  // grows with each move: sessions of an older one do not come back
    std::size_t most_;          // the bound, or less when the token refused a session
    Clock::time_point refused_at_{};
    Clock::time_point suspect_before_{};
    std::vector<Idle> idle_;
    std::size_t lent_ = 0;  // on loan, or promised to a waiter that was woken
    std::size_t opening_ = 0;  // of these: being opened now
    std::deque<Waiter*> waiting_;
    std::uint64_t opened_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t waits_ = 0;
};

}  // namespace keyway::pkcs11
