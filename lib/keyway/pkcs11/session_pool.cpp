// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/session_pool_internal.hpp>

#include <algorithm>
#include <utility>

namespace keyway::pkcs11 {

Session::Session(std::shared_ptr<const Module> module, CK_SLOT_ID slot, SessionMode mode)
    : module_(std::move(module)) {
    const CK_FLAGS flags = CKF_SERIAL_SESSION | (mode == SessionMode::read_write ? CKF_RW_SESSION : 0);
    const auto result = module_->calls().C_OpenSession(slot, flags, nullptr, nullptr, &handle_);
    if(result != CKR_OK) {
        throw call_failed(result, "open a session with the token in slot " + std::to_string(slot));
    }
}

Session::~Session() {
    if(process_is_exiting()) {
        return;
    }
    module_->calls().C_CloseSession(handle_);
}

SessionPool::Loan::Loan(SessionPool& pool, std::unique_ptr<Session> session) noexcept
    : pool_(&pool), session_(std::move(session)) {}

SessionPool::Loan::~Loan() {
    if(pool_ != nullptr) {
        if(std::uncaught_exceptions() > exceptions_before_) {
            session_.reset();
        }
        pool_->give_back(std::move(session_));
    }
}

void SessionPool::Loan::discard() noexcept {
    session_.reset();
}

SessionPool::SessionPool(std::shared_ptr<const Module> module,
                         CK_SLOT_ID slot,
                         std::size_t most_sessions,
                         std::chrono::milliseconds patience)
    : module_(std::move(module)), slot_(slot), most_sessions_(std::max<std::size_t>(1, most_sessions)),
      patience_(patience) {
    idle_.reserve(most_sessions_);  // so that giving back never allocates
}

SessionPool::Loan SessionPool::borrow() {
    std::unique_lock lock(mutex_);
    if(lent_ >= most_sessions_ || !waiting_.empty()) {
        Waiter self;
        waiting_.push_back(&self);
        const auto may_go = [&] { return self.may_go; };
        if(!self.woken.wait_for(lock, patience_, may_go)) {
            std::erase(waiting_, &self);
            throw Error(Errc::timed_out,
                        "no session of the token became free within " + std::to_string(patience_.count()) + " ms",
                        "raise max-sessions, or sign with fewer threads");
        }
    } else {
        ++lent_;
    }
    if(!idle_.empty()) {
        auto session = std::move(idle_.back());
        idle_.pop_back();
        return {*this, std::move(session)};
    }
    lock.unlock();
    try {
        return {*this, std::make_unique<Session>(module_, slot_, SessionMode::read_only)};
    } catch(...) {
        give_back(nullptr);
        throw;
    }
}

void SessionPool::drop_idle() noexcept {
    const std::lock_guard lock(mutex_);
    idle_.clear();
}

void SessionPool::give_back(std::unique_ptr<Session> session) noexcept {
    const std::lock_guard lock(mutex_);
    if(session) {
        idle_.push_back(std::move(session));
    }
    --lent_;
    wake_next();
}

void SessionPool::wake_next() noexcept {
    if(waiting_.empty()) {
        return;
    }
    auto* const next = waiting_.front();
    waiting_.pop_front();
    ++lent_;
    next->may_go = true;
    next->woken.notify_one();
}

}  // namespace keyway::pkcs11
