// SPDX-License-Identifier: BSD-2-Clause
// What is done about failed calls, by the table in recovery.cpp.
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/token_state_internal.hpp>

#include <algorithm>
#include <random>
#include <thread>

namespace keyway::pkcs11 {

namespace {

using Clock = Deadline::Clock;

constexpr Milliseconds first_pause{20};
constexpr Milliseconds longest_pause{2'000};

/// From half of it to the whole, so that many processes do not come at once.
Clock::duration with_jitter(Milliseconds pause) {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto most = std::chrono::duration_cast<std::chrono::microseconds>(pause).count();
    return std::chrono::microseconds(std::uniform_int_distribution<std::int64_t>(most / 2, most)(random));
}

/// What a person has to mend, so that looking again is of no use.
bool needs_a_person(const Error& error) {
    switch(error.code()) {
        case Errc::pin_incorrect:
        case Errc::pin_locked:
        case Errc::secret_unavailable:
        case Errc::permissions_insecure:
        case Errc::token_ambiguous:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool Token::may_pass(const Error& failure) const noexcept {
    const auto result = return_value_of(failure);
    if(result == CKR_OK) {
        return false;
    }
    switch(remedy_for(result)) {
        case Remedy::reopen_session:
        case Remedy::log_in:
        case Remedy::find_key:
        case Remedy::wait:
        case Remedy::reload_module:
            return true;
        case Remedy::success:
        case Remedy::fatal:
        case Remedy::ask_user:
            break;
    }
    return quirk_numbers_.passes(result);
}

void Token::recover(const Error& failure,
                    std::uint64_t seen,
                    int failures,
                    const PinProvider& pin,
                    const Deadline& deadline) {
    count_failure(failure, failures);
    try {
        apply(failure, seen, failures, pin, deadline);
    } catch(const Error& next) {
        // What was done about it met the next fault: the token is worse off than it looked.
        if(!may_pass(next) || deadline.passed()) {
            throw;
        }
        count_failure(next);
        come_back(next, seen, remedy_for(return_value_of(next)) == Remedy::reload_module, pin, deadline);
    }
}

void Token::apply(const Error& failure, std::uint64_t seen, int failures, const PinProvider& pin, const Deadline& deadline) {
    const auto result = return_value_of(failure);
    const auto pause = [&] {
        const auto until = Clock::now() + with_jitter(first_pause * (1 << std::min(failures - 1, 5)));
        std::this_thread::sleep_until(deadline.at_latest(until));
    };
    if(result != CKR_OK && quirk_numbers_.passes(result)) {
        pause();
        return;
    }
    switch(remedy_for(result)) {
        case Remedy::reopen_session:
            state_->pool.suspect_all();
            keep_login(seen, pin, deadline);
            return;
        case Remedy::log_in:
            log_in_again(seen, pin, deadline);
            return;
        case Remedy::find_key:
            return;  // by whoever knows the key
        case Remedy::wait:
            if(circuit_.load(std::memory_order_relaxed) == Circuit::closed && epoch() == seen && is_still_there(deadline)) {
                // It is there and was not able to: that may pass.
                if(result == CKR_SESSION_COUNT) {
                    const Module::Use use(*module_, deadline);
                    state_->pool.drop_idle();
                }
                pause();
                return;
            }
            come_back(failure, seen, false, pin, deadline);
            return;
        case Remedy::reload_module:
            come_back(failure, seen, true, pin, deadline);
            return;
        case Remedy::success:
        case Remedy::fatal:
        case Remedy::ask_user:
            break;
    }
    throw failure;
}

void Token::keep_login(std::uint64_t seen, const PinProvider& pin, const Deadline& deadline) {
    if(!wants_login_.load(std::memory_order_relaxed)) {
        return;
    }
    auto& state = *state_;
    const Module::Use use(*module_, deadline);
    const std::unique_lock lock(state.keeping, deadline.at());
    if(lock && epoch() == seen && !(state.keeper && state.keeper->is_logged_in())) {
        renew_login(state, use, pin, deadline);
    }
}

void Token::log_in_again(std::uint64_t seen, const PinProvider& pin, const Deadline& deadline) {
    auto& state = *state_;
    const Module::Use use(*module_, deadline);
    const std::unique_lock lock(state.keeping, deadline.at());
    if(!lock || epoch() != seen) {
        return;
    }
    wants_login_ = true;
    if(state.keeper && state.keeper->is_logged_in()) {
        // Somebody logged out and in again meanwhile: what was found before is stale all the same.
        epoch_.fetch_add(1, std::memory_order_acq_rel);
        return;
    }
    renew_login(state, use, pin, deadline);
}

bool Token::is_still_there(const Deadline& deadline) {
    auto& state = *state_;
    if(!module_->is_initialised()) {
        return false;
    }
    const Module::Use use(*module_, deadline);
    const std::unique_lock lock(state.keeping, deadline.at());
    if(!lock || !state.keeper) {
        return false;
    }
    CK_STATE now = 0;
    const bool open = wants_login_.load(std::memory_order_relaxed) ? state.keeper->is_logged_in()
                                                                   : state.keeper->state(now) == CKR_OK;
    if(!open) {
        return false;
    }
    try {
        return selector_.fits(module_->token_in(use, state.slot.load(), deadline));
    } catch(const Error&) {
        return false;
    }
}

void Token::set_circuit(Circuit circuit) noexcept {
    const auto before = circuit_.exchange(circuit, std::memory_order_relaxed);
    if((before == Circuit::closed) != (circuit == Circuit::closed)) {
        module_->count_away(circuit == Circuit::closed ? -1 : 1);
    }
}

void Token::wait_until_back(std::string_view doing, const PinProvider& pin, const Deadline& deadline) {
    // No epoch is 0: whoever finds it there again has done it for this thread too.
    come_back(call_failed(CKR_TOKEN_NOT_PRESENT, std::string(doing) + name()), 0, false, pin, deadline);
}

void Token::come_back(const Error& failure,
                      std::uint64_t seen,
                      bool reload,
                      const PinProvider& pin,
                      const Deadline& deadline) {
    auto& state = *state_;
    std::unique_lock lock(state.mutex);
    const auto is_back = [&] { return circuit_ == Circuit::closed && epoch() != seen; };
    std::optional<Error> last;
    const auto give_up = [&] {
        const auto& told = last ? *last : failure;
        const auto reload_in = std::chrono::ceil<std::chrono::seconds>(module_->until_next_reload()).count();
        throw Error(failure.code(),
                    failure.message() + ", and " + name() + " was not back in time" + (last ? " (" + last->message() + ")" : ""),
                    "it is looked for again with each use" +
                        (reload_in > 1 ? ", and its module initialised again in " + std::to_string(reload_in) + " s at the earliest"
                                       : "") +
                        "; " + told.hint())
            .with_return_value(failure.return_value());
    };
    while(state.led) {
        if(state.changed.wait_until(lock, deadline.at()) == std::cv_status::timeout && state.led) {
            give_up();
        }
        if(is_back()) {
            return;
        }
    }
    if(is_back()) {
        return;
    }
    // This thread looks for the token, for all who wait; when it goes without it, one of them takes over.
    state.led = true;
    struct Lead {
        State& state;
        ~Lead() {
            state.led = false;
            state.changed.notify_all();
        }
    } const lead{state};
    if(circuit_ == Circuit::closed) {
        set_circuit(Circuit::open);
        state.pause = first_pause;
        state.next_look = Clock::now();
        state.away_since = Clock::now();
        state.looks = 0;
        state.listed_in_vain = false;
        tell("away", failure);
    }
    for(bool first = true;; first = false) {
        const auto until = deadline.at_latest(state.next_look);
        while(Clock::now() < until) {
            state.changed.wait_until(lock, until);
        }
        if(deadline.passed()) {
            give_up();
        }
        set_circuit(Circuit::probing);
        const int attempt = ++state.looks;
        lock.unlock();
        const auto since = Clock::now();
        std::exception_ptr stop;
        try {
            // The module is reloaded only when the token was not there without, or that is known to be the cause.
            last = look(reload ? Reload::must : first && !quirks_.reload_needed ? Reload::no : Reload::may, pin, deadline);
            last ? tell("look", *last, attempt, since) : tell("look", {}, attempt, since);
        } catch(const Error& error) {
            tell("look", error, attempt, since);
            stop = std::current_exception();
        } catch(...) {
            stop = std::current_exception();
        }
        lock.lock();
        if(stop || !last) {
            // It is there, even if a person has to do something first: each call finds out for itself.
            set_circuit(Circuit::closed);
            if(stop) {
                std::rethrow_exception(stop);
            }
            reconnects_.fetch_add(1, std::memory_order_relaxed);
            tell("back", {}, 0, state.away_since);
            return;
        }
        set_circuit(Circuit::open);
        state.next_look = Clock::now() + with_jitter(state.pause);
        // Whoever comes waits no longer than for a part of his time before it is looked for again.
        state.pause = std::min({state.pause * 2, longest_pause, std::max(first_pause, limits_.deadline / 4)});
    }
}

bool Token::is_listed(const Deadline& deadline) const {
    const Module::Use use(*module_, deadline);
    try {
        static_cast<void>(select_token(module_->tokens(use, deadline), selector_, module_->name()));
        return true;
    } catch(const Error& error) {
        return needs_a_person(error);
    }
}

std::optional<Error> Token::look(Reload reload, const PinProvider& pin, const Deadline& deadline) {
    auto& state = *state_;
    looks_.fetch_add(1, std::memory_order_relaxed);
    try {
        if(!module_->is_initialised()) {
            module_->ensure_initialised(deadline);
        } else if(reload == Reload::must ||
                  (reload == Reload::may && module_->all_away() && (state.listed_in_vain || !is_listed(deadline)))) {
            const auto since = Clock::now();
            const auto before = module_->reloads();
            static_cast<void>(module_->reload(module_->generation(), deadline));
            if(module_->reloads() != before) {
                tell("reload", {}, 0, since);
            }
        }
        const Module::Use use(*module_, deadline);
        const std::unique_lock lock(state.keeping, deadline.at());
        if(!lock) {
            return Error(Errc::timed_out, "somebody else has been logging in to " + name() + " all the while");
        }
        const auto found = select_token(module_->tokens(use, deadline), selector_, module_->name());
        state.listed_in_vain = true;  // unless all of the following comes out
        // What is still open is closed before a new session can get the same number.
        state.keeper.reset();
        state.slot = found.slot;
        state.pool.move_to(found.slot);
        // Now, and not just when somebody is logged in again: handles of before may be other objects' by now.
        epoch_.fetch_add(1, std::memory_order_acq_rel);
        renew_login(state, use, pin, deadline);
        state.listed_in_vain = false;
        return std::nullopt;
    } catch(const Error& error) {
        if(needs_a_person(error)) {
            throw;
        }
        return error;
    }
}

}  // namespace keyway::pkcs11
