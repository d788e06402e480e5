// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/session_pool_internal.hpp>

#include <algorithm>

namespace keyway::pkcs11 {

namespace {

/// A token that refused a session is believed for so long; others may have given theirs back by then.
constexpr std::chrono::seconds refusal_lasts{30};

}  // namespace

SessionPool::Loan::Loan(SessionPool& pool, Module::Use use, std::unique_ptr<Session> session, std::uint64_t series) noexcept
    : pool_(&pool), use_(std::move(use)), session_(std::move(session)), series_(series) {}

SessionPool::Loan::~Loan() {
    if(pool_ != nullptr) {
        if(std::uncaught_exceptions() > exceptions_before_) {
            session_.reset();
        }
        pool_->give_back(std::move(session_), series_);
    }
}

void SessionPool::Loan::discard(CK_RV why) noexcept {
    session_->forget_if_gone(why);
    session_.reset();
}

SessionPool::SessionPool(std::shared_ptr<const Module> module, CK_SLOT_ID slot, const PoolLimits& limits)
    : module_(std::move(module)), limits_(limits), slot_(slot), most_(std::max<std::size_t>(1, limits.most_sessions)) {
    limits_.most_sessions = most_;
    idle_.reserve(most_);  // so that giving back never allocates
}

void SessionPool::wait_for_turn(std::unique_lock<std::mutex>& lock, const Deadline& deadline, bool first) {
    Waiter self;
    ++waits_;
    if(first) {
        waiting_.push_front(&self);
    } else {
        waiting_.push_back(&self);
    }
    const auto may_go = [&] { return self.may_go; };
    const auto begin = Clock::now();
    if(!self.woken.wait_until(lock, deadline.at_latest(begin + limits_.patience), may_go)) {
        std::erase(waiting_, &self);
        const auto waited = std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);
        throw Error(Errc::timed_out,
                    "no session of the token became free within " + std::to_string(waited.count()) + " ms",
                    "raise max-sessions, or sign with fewer threads");
    }
}

std::unique_ptr<Session> SessionPool::take_idle(std::unique_lock<std::mutex>& lock, std::uint64_t& series) {
    while(!idle_.empty()) {
        auto [session, last_used] = std::move(idle_.back());
        idle_.pop_back();
        series = series_;
        const auto idle = Clock::now() - last_used;
        if(last_used > suspect_before_ && idle < limits_.idle_check) [[likely]] {
            return std::move(session);
        }
        if(limits_.idle_end && idle >= *limits_.idle_end) {
            session->forget();
            ++lost_;
            continue;
        }
        lock.unlock();
        CK_STATE ignored = 0;
        const bool there = session->state(ignored) == CKR_OK;
        if(!there) {
            session.reset();
        }
        lock.lock();
        if(there && series == series_) {
            return std::move(session);
        }
        ++lost_;
        // One of before a move is closed outside of the lock: that may take its time.
        lock.unlock();
        session.reset();
        lock.lock();
    }
    series = series_;
    return nullptr;
}

CK_RV SessionPool::borrow(const Deadline& deadline, std::optional<Loan>& out) {
    std::optional<Module::Use> use(std::in_place, *module_, deadline);
    std::unique_lock lock(mutex_);
    // Whoever waits has no Use meanwhile, so that the module can be reloaded.
    const auto wait = [&](bool first) {
        use.reset();
        const auto since = Clock::now();
        wait_for_turn(lock, deadline, first);
        lock.unlock();
        if(limits_.waited) {
            limits_.waited(since);
        }
        try {
            use.emplace(*module_, deadline);
        } catch(const Error&) {
            lock.lock();
            release_permit();
            throw;
        }
        lock.lock();
    };
    if(most_ < limits_.most_sessions && Clock::now() - refused_at_ > refusal_lasts) {
        most_ = limits_.most_sessions;
        wake_those_who_may_go();
    }
    if(lent_ >= most_ || !waiting_.empty()) {
        wait(false);
    } else {
        ++lent_;
    }
    for(;;) {
        // Here this thread has the permit for one session.
        std::uint64_t series = 0;
        auto session = take_idle(lock, series);
        if(!session) {
            const auto slot = slot_;
            ++opening_;
            lock.unlock();
            const auto result = Session::open(module_, slot, limits_.mode, session, deadline);
            lock.lock();
            --opening_;
            if(result == CKR_SESSION_COUNT && (lent_ > 1 || !idle_.empty())) {
                // The token has fewer sessions than it was thought to have: those there are have to do. Others that are being
                // opened now may be refused as well, and those that have come back meanwhile count.
                --lent_;
                most_ = std::max<std::size_t>(1, lent_ - std::min(lent_, opening_) + idle_.size());
                refused_at_ = Clock::now();
                if(lent_ < most_) {
                    ++lent_;
                    wake_those_who_may_go();
                } else {
                    wait(true);
                }
                continue;
            }
            if(result != CKR_OK) {
                release_permit();
                return result;
            }
            ++opened_;
            most_ = std::max(most_, std::min(limits_.most_sessions, lent_ - std::min(lent_, opening_) + idle_.size()));
        }
        lock.unlock();
        out.emplace(Loan(*this, std::move(*use), std::move(session), series));
        return CKR_OK;
    }
}

void SessionPool::warm(std::size_t sessions, const Deadline& deadline) {
    std::unique_ptr<Session> session;  // closed behind the lock
    std::unique_lock lock(mutex_);
    const auto wanted = std::min(sessions, most_);
    while(lent_ + idle_.size() < wanted) {
        const auto slot = slot_;
        const auto series = series_;
        lock.unlock();
        const auto result = Session::open(module_, slot, limits_.mode, session, deadline);
        lock.lock();
        if(result != CKR_OK || series != series_ || lent_ + idle_.size() >= most_) {
            return;
        }
        ++opened_;
        idle_.push_back({std::move(session), Clock::now()});
    }
}

void SessionPool::suspect_all() noexcept {
    const std::lock_guard lock(mutex_);
    suspect_before_ = Clock::now();
}

void SessionPool::drop_idle() noexcept {
    std::vector<Idle> dropped;
    const std::lock_guard lock(mutex_);
    lost_ += idle_.size();
    idle_.swap(dropped);
    idle_.reserve(limits_.most_sessions);
}

void SessionPool::move_to(CK_SLOT_ID slot) noexcept {
    std::vector<Idle> dropped;  // closed behind the lock
    const std::lock_guard lock(mutex_);
    slot_ = slot;
    ++series_;
    lost_ += idle_.size();
    idle_.swap(dropped);
    idle_.reserve(limits_.most_sessions);
    most_ = limits_.most_sessions;
    wake_those_who_may_go();
}

void SessionPool::give_back(std::unique_ptr<Session> session, std::uint64_t series) noexcept {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    if(session && series == series_ && idle_.size() < idle_.capacity()) {
        idle_.push_back({std::move(session), now});
    } else {
        ++lost_;
    }
    release_permit();
}

void SessionPool::release_permit() noexcept {
    --lent_;
    wake_those_who_may_go();
}

void SessionPool::wake_those_who_may_go() noexcept {
    while(!waiting_.empty() && lent_ < most_) {
        auto* const next = waiting_.front();
        waiting_.pop_front();
        ++lent_;
        next->may_go = true;
        next->woken.notify_one();
    }
}

SessionPool::Usage SessionPool::usage() const {
    const std::lock_guard lock(mutex_);
    return {.most = most_,
            .in_use = lent_,
            .idle = idle_.size(),
            .waiting = waiting_.size(),
            .opened = opened_,
            .lost = lost_,
            .waits = waits_};
}

}  // namespace keyway::pkcs11
