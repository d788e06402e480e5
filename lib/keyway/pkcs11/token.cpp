// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/module_info_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/token_state_internal.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace keyway::pkcs11 {

namespace {

/// For how long a token that goes waits for others in its module before it leaves its sessions open.
constexpr Milliseconds for_the_last_sessions{1'000};

/// One session stays with the login and one is kept for changes.
std::size_t sessions_for_signing(const std::optional<std::size_t>& of_token, std::size_t wanted) {
    if(!of_token) {
        return wanted;
    }
    return std::min(wanted, *of_token > 3 ? *of_token - 2 : 1);
}

PoolLimits pool_limits(const TokenInfo& token, const TokenLimits& limits, const QuirkProfile& quirks) {
    auto most = sessions_for_signing(token.most_sessions, limits.most_sessions);
    most = sessions_for_signing(quirks.most_sessions, most);
    PoolLimits out{.most_sessions = most, .patience = limits.patience, .idle_check = limits.idle_check};
    out.mode = quirks.read_write_sessions ? SessionMode::read_write : SessionMode::read_only;
    if(quirks.idle_timeout) {
        // A little before, as the token's clock began before this one's.
        const auto still_there = *quirks.idle_timeout - *quirks.idle_timeout / 10;
        out.idle_check = std::min(out.idle_check, still_there);
        if(quirks.session_info_stale) {
            out.idle_end = still_there;
        }
    }
    return out;
}

}  // namespace

Token::Token(std::shared_ptr<Module> module, const TokenSelector& selector, const TokenLimits& limits)
    : module_(std::move(module)),
      selector_(selector),
      limits_(limits),
      info_(select_token(module_->tokens(Deadline(limits.deadline)), selector, module_->name())),
      quirks_(load_quirks(limits.quirks, info_, module_info(*module_))),
      quirk_numbers_(quirks_),
      state_(new_state()),
      cannot_copy_(quirks_.lacks_function("C_CopyObject")),
      cannot_cancel_(quirks_.lacks_function("C_SessionCancel")) {
    if(quirks_.sessions_not_locked) {
        module_->open_sessions_one_at_a_time();
    }
    if(quirks_.objects_not_locked) {
        module_->make_objects_apart();
    }
    module_->attach_token();
    watch_forks();
}

Token::State* Token::new_state() {
    auto limits = pool_limits(info_, limits_, quirks_);
    if(limits_.observer) {
        limits.waited = [this](Deadline::Clock::time_point since) { tell("session-wait", {}, 0, since); };
    }
    return new State(module_, info_.slot, limits);
}

Token::~Token() {
    leave_forks();
    set_circuit(Circuit::closed);
    module_->detach_token();
    if(process_is_exiting()) {
        leave_to_the_process(state_);
        return;
    }
    try {
        const Module::Use use(*module_, Deadline(for_the_last_sessions));
        delete state_;
    } catch(const Error&) {
        leave_to_the_process(state_);  // the process began to end meanwhile, or another thread hangs in the module
    }
}

namespace {

thread_local const Deadline* one_deadline = nullptr;

}  // namespace

Deadline Token::new_deadline() const {
    const Deadline own(limits_.deadline);
    return one_deadline == nullptr ? own : Deadline(one_deadline->at_latest(own.at()));
}

Token::OneDeadline::OneDeadline(const Deadline& deadline) noexcept : outer_(std::exchange(one_deadline, &deadline)) {}

Token::OneDeadline::~OneDeadline() {
    one_deadline = outer_;
}

std::optional<bool> Token::offers(CK_MECHANISM_TYPE mechanism, CK_FLAGS use, const PinProvider& pin) {
    std::optional<bool> out;
    at_slot(pin, [&](FunctionList& calls, CK_SLOT_ID slot) {
        CK_MECHANISM_INFO info{};
        const auto result = calls.C_GetMechanismInfo(slot, mechanism, &info);
        if(result == CKR_OK || result == CKR_MECHANISM_INVALID) {
            out = result == CKR_OK && (info.flags & use) == use;
        }
    });
    return out;
}

std::string Token::name() const {
    return "token " + in_quotes(info_.label);
}

CK_RV Token::borrow(const Deadline& deadline, const PinProvider& pin, std::optional<SessionPool::Loan>& out) {
    if(circuit_.load(std::memory_order_relaxed) != Circuit::closed) [[unlikely]] {
        wait_until_back("open a session with ", pin, deadline);
    }
    return state_->pool.borrow(deadline, out);
}

OwnSession Token::open_own(SessionMode mode, const Deadline& deadline) const {
    return {module_, state_->slot.load(), quirks_.read_write_sessions ? SessionMode::read_write : mode, deadline};
}

void Token::log_in(const PinProvider& pin, const Deadline& deadline) {
    if(circuit_.load(std::memory_order_relaxed) != Circuit::closed) {
        wait_until_back("log in to ", pin, deadline);
    }
    module_->ensure_initialised(deadline);
    auto& state = *state_;
    const Module::Use use(*module_, deadline);
    const std::unique_lock lock(state.keeping, deadline.at());
    if(!lock) {
        throw Error(Errc::timed_out, "somebody else has been logging in to " + name() + " all the while",
                    "a question for a PIN may be waiting for its answer");
    }
    const bool needed = info_.login_required || wants_login_.load(std::memory_order_relaxed);
    CK_STATE ignored = 0;
    if(state.keeper && (needed ? state.keeper->is_logged_in() : state.keeper->state(ignored) == CKR_OK)) {
        return;
    }
    wants_login_ = needed;
    renew_login(state, use, pin, deadline);
    state.pool.warm(limits_.warm_sessions, deadline);
}

void Token::renew_login(State& state, const Module::Use& use, const PinProvider& pin, const Deadline& deadline) {
    // Who ended the login may have closed all sessions with it.
    state.pool.suspect_all();
    const auto slot = state.slot.load();
    std::unique_ptr<Session> fresh;
    auto result = Session::open(module_, slot, usual_mode(), fresh, deadline);
    if(result == CKR_SESSION_COUNT) {
        state.pool.drop_idle();
        result = Session::open(module_, slot, usual_mode(), fresh, deadline);
    }
    if(result != CKR_OK) {
        throw call_failed(result, "open a session with " + name());
    }
    if(wants_login_.load(std::memory_order_relaxed)) {
        const auto since = Deadline::Clock::now();
        try {
            if(log_in_user(*module_, use, slot, *fresh, pin, deadline) == LoginOutcome::done) {
                logins_.fetch_add(1, std::memory_order_relaxed);
                tell("login", {}, 0, since);
            }
        } catch(const Error& error) {
            tell("login", error, 0, since);
            throw;
        }
    }
    // The new one is there before the old one is closed: closing the last session of a process logs out.
    state.keeper = std::move(fresh);
    epoch_.fetch_add(1, std::memory_order_acq_rel);
}

void Token::at_slot(const PinProvider& pin, const std::function<void(FunctionList& calls, CK_SLOT_ID slot)>& work) {
    constexpr int most_failures = 4;
    const auto deadline = new_deadline();
    for(int failures = 1;; ++failures) {
        const auto seen = epoch();
        try {
            if(circuit_.load(std::memory_order_relaxed) != Circuit::closed) {
                wait_until_back("ask ", pin, deadline);
            }
            module_->ensure_initialised(deadline);
            const Module::Use use(*module_, deadline);
            const auto slot = state_->slot.load();
            if(!selector_.fits(module_->token_in(use, slot, deadline))) {
                throw call_failed(CKR_TOKEN_NOT_PRESENT, "ask " + name());  // it moved, and another one is there
            }
            work(calls(), slot);
            return;
        } catch(const Error& error) {
            if(failures == most_failures || deadline.passed() || !may_pass(error)) {
                throw;
            }
            recover(error, seen, failures, pin, deadline);
        }
    }
}

void Token::require_sight(const Session& session) const {
    if(!wants_login_.load(std::memory_order_relaxed)) {
        return;
    }
    CK_SESSION_INFO info{};
    auto result = session.calls().C_GetSessionInfo(session.handle(), &info);
    if(result == CKR_OK && info.state != CKS_RO_USER_FUNCTIONS && info.state != CKS_RW_USER_FUNCTIONS) {
        result = CKR_USER_NOT_LOGGED_IN;
    }
    if(result != CKR_OK) {
        throw call_failed(result, "see the private objects of " + name());
    }
}

CK_OBJECT_HANDLE Token::copy_for_session(CK_OBJECT_HANDLE key, const Deadline& deadline) {
    auto& state = *state_;
    if(!limits_.session_copies || cannot_copy_.load(std::memory_order_relaxed)) {
        return CK_INVALID_HANDLE;
    }
    const std::unique_lock lock(state.keeping, deadline.at());
    if(!lock || !state.keeper) {
        return CK_INVALID_HANDLE;
    }
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE for_session{CKA_TOKEN, &no, sizeof(no)};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    const auto result = calls().C_CopyObject(state.keeper->handle(), key, &for_session, 1, &copy);
    if(result != CKR_OK) {
        cannot_copy_ = remedy_for(result) == Remedy::fatal;
        return CK_INVALID_HANDLE;
    }
    return copy;
}

bool Token::cancel(const Session& session, CK_FLAGS operation, CK_RV why) noexcept {
    const auto* const newer = module_->newer_calls();
    // Of a fault of the token or the session, nobody knows what else it left behind.
    const auto remedy = remedy_for(why);
    const bool is_refusal = remedy == Remedy::fatal || remedy == Remedy::find_key;
    if(newer == nullptr || newer->C_SessionCancel == nullptr || operation == 0 || !is_refusal || cannot_cancel_.load(std::memory_order_relaxed)) {
        return false;
    }
    const auto result = newer->C_SessionCancel(session.handle(), operation);
    if(result == CKR_FUNCTION_NOT_SUPPORTED) {
        cannot_cancel_ = true;
    }
    return result == CKR_OK;
}

TimedMutex& Token::finding(const void* key) noexcept {
    auto& stripes = state_->finding;
    return stripes[(std::hash<const void*>{}(key) >> 4U) % stripes.size()];
}

CK_RV Token::log_in_for_operation(const SessionPool::Loan& loan, const PinProvider& pin, const Deadline& deadline) {
    return pkcs11::log_in_for_operation(*module_, state_->slot.load(), loan.use(), loan.session(), pin, deadline);
}

void Token::count_operation(bool repeated, bool verified) noexcept {
    operations_.fetch_add(1, std::memory_order_relaxed);
    if(repeated) {
        repeated_.fetch_add(1, std::memory_order_relaxed);
    }
    if(verified) {
        verified_.fetch_add(1, std::memory_order_relaxed);
    }
}

void Token::tell(std::string_view event, std::string_view return_value, int attempt,
                 std::optional<Deadline::Clock::time_point> since) const noexcept {
    if(!limits_.observer) {
        return;
    }
    TokenEvent told{.event = event, .backend = limits_.backend, .token = info_.label, .return_value = return_value};
    told.attempt = attempt;
    if(since) {
        told.took = std::chrono::duration_cast<std::chrono::microseconds>(Deadline::Clock::now() - *since);
    }
    try {
        limits_.observer(told);
    } catch(...) {
        // What is watched goes on without being watched.
    }
}

void Token::tell(std::string_view event, const Error& error, int attempt,
                 std::optional<Deadline::Clock::time_point> since) const noexcept {
    const auto value = error.return_value();
    tell(event, value.empty() ? to_string(error.code()) : std::string_view(value), attempt, since);
}

void Token::count_failure(const Error& error, int attempt) noexcept {
    tell("failure", error, attempt);
    try {
        const std::lock_guard lock(state_->failures_mutex);
        ++state_->failures[error.return_value().empty() ? std::string(to_string(error.code())) : error.return_value()];
    } catch(const std::bad_alloc&) {
        // A failure that is not counted is the lesser evil.
    }
}

TokenCounters Token::counters() const {
    TokenCounters out;
    out.token = info_.label;
    out.operations = operations_.load(std::memory_order_relaxed);
    out.repeated = repeated_.load(std::memory_order_relaxed);
    out.verified = verified_.load(std::memory_order_relaxed);
    out.logins = logins_.load(std::memory_order_relaxed);
    out.finds = finds_.load(std::memory_order_relaxed);
    out.reconnects = reconnects_.load(std::memory_order_relaxed);
    out.reloads = module_->reloads();
    out.looks = looks_.load(std::memory_order_relaxed);
    out.circuit = circuit_.load(std::memory_order_relaxed);
    {
        const std::lock_guard lock(state_->failures_mutex);
        out.failures = state_->failures;
    }
    const auto usage = state_->pool.usage();
    out.sessions_opened = usage.opened;
    out.sessions_lost = usage.lost;
    out.session_waits = usage.waits;
    out.sessions_most = usage.most;
    out.sessions_in_use = usage.in_use;
    out.sessions_idle = usage.idle;
    out.threads_waiting = usage.waiting;
    return out;
}

void Token::begin_anew_in_child() noexcept {
    state_ = new_state();
    epoch_.fetch_add(1, std::memory_order_relaxed);
    set_circuit(Circuit::closed);
}

CK_RV return_value_of(const Error& error) noexcept {
    const auto* const known = find_return_value(error.return_value());
    return known == nullptr ? CKR_OK : known->value;
}

bool may_have_changed_meanwhile(const Error& error) noexcept {
    switch(error.code()) {
        case Errc::key_not_found:
        case Errc::key_mismatch:
        case Errc::key_ambiguous:
            return true;
        default:
            return false;
    }
}

Error call_failed_meanwhile(const Error& error) {
    return error.with_return_value("CKR_KEY_HANDLE_INVALID");
}

}  // namespace keyway::pkcs11
