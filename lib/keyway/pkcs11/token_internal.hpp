// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/key/token_event.hpp>
#include <keyway/pkcs11/login_internal.hpp>
#include <keyway/pkcs11/quirks/quirk_numbers_internal.hpp>
#include <keyway/pkcs11/recovery.hpp>
#include <keyway/pkcs11/session_pool_internal.hpp>
#include <keyway/pkcs11/timed_mutex_internal.hpp>
#include <keyway/pkcs11/token_counters.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace keyway::pkcs11 {

/// How a token is used.
struct TokenLimits {
    std::size_t most_sessions = 16;
    Milliseconds patience{10'000};    ///< how long to wait for a free session
    Milliseconds deadline{10'000};    ///< how long an operation may try to get over a fault
    Milliseconds idle_check{10'000};  ///< a session unused for longer is asked after before it is lent
    std::size_t warm_sessions = 0;    ///< opened ahead, at login
    bool verify_signatures = false;   ///< each, not just the first after each find
    bool session_copies = false;      ///< sign with copies of the keys that live as long as the login
    std::string quirks = "auto";      ///< what the token does otherwise, as load_quirks() takes it
    TokenEventObserver observer{};    ///< told of events, when it is not empty
    std::string backend{};            ///< for the observer
};

/// A token, with its login and its sessions, found again when it was away.
/// @threadsafety safe
class Token final : public ForkAware {
public:
    /// @throws Errc::token_not_found, Errc::token_ambiguous
    Token(std::shared_ptr<Module> module, const TokenSelector& selector, const TokenLimits& limits);
    ~Token();

    /// As it was when it was opened. The slot may be another one since.
    [[nodiscard]] const TokenInfo& info() const noexcept { return info_; }
    [[nodiscard]] const TokenLimits& limits() const noexcept { return limits_; }
    [[nodiscard]] FunctionList& calls() const noexcept { return module_->calls(); }

    /// The deadline of a call that begins now; within another one, its.
    [[nodiscard]] Deadline new_deadline() const;

    /// While it lives, what its thread begins has this deadline at the latest: a user's one call may be several of ours.
    class OneDeadline {
    public:
        explicit OneDeadline(const Deadline& deadline) noexcept;
        OneDeadline(const OneDeadline&) = delete;
        OneDeadline& operator=(const OneDeadline&) = delete;
        ~OneDeadline();

    private:
        const Deadline* outer_;
    };

    /// What the token does otherwise than the standard says.
    [[nodiscard]] const QuirkProfile& quirks() const noexcept { return quirks_; }
    [[nodiscard]] const QuirkNumbers& quirk_numbers() const noexcept { return quirk_numbers_; }

    /// Whether the token offers a mechanism for a use (CKF_DECRYPT and the like); nothing when it does not answer. A token that
    /// is away is waited for: its old slot may hold another one.
    /// @throws as at_slot
    [[nodiscard]] std::optional<bool> offers(CK_MECHANISM_TYPE mechanism, CK_FLAGS use, const PinProvider& pin);

    /// For messages: `token "ca"`.
    [[nodiscard]] std::string name() const;

    /// Grows when object handles found before mean nothing any more: the token was away, or its login was.
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }

    /// A session from the pool. While the token is known to be away it waits for it first.
    ///
    /// @return CKR_OK, or why no session could be opened
    /// @throws Errc::timed_out when none becomes free; what recover() throws when the token stays away
    [[nodiscard]] CK_RV borrow(const Deadline& deadline, const PinProvider& pin, std::optional<SessionPool::Loan>& out);

    /// Logs in unless somebody in the process is; tokens that need no login are left alone.
    /// @throws as log_in_user
    void log_in(const PinProvider& pin) { log_in(pin, new_deadline()); }
    void log_in(const PinProvider& pin, const Deadline& deadline);

    /// Does what the table says about a failed call, so that it can be tried again. Not to be called with a Loan in hand.
    ///
    /// @param failure the call's error, by call_failed
    /// @param seen the epoch in which it failed
    /// @param failures how many calls of this operation have failed so far, from 1: pauses grow with it
    /// @throws the failure when nothing can be done about it, or nothing came of it in time
    void recover(const Error& failure, std::uint64_t seen, int failures, const PinProvider& pin, const Deadline& deadline);

    /// Whether recover() can do something about it.
    [[nodiscard]] bool may_pass(const Error& failure) const noexcept;

    /// Runs work with a session of its own, logged in; again, after recovery, when it fails by something that can be got over, or
    /// when it found no key, or only read, and the login had ended meanwhile. Work undoes what it did when it throws.
    template <typename Work>
    auto with_session(SessionMode mode, const PinProvider& pin, const Work& work);

    /// Runs work that needs no session, with the slot that the token is in; again, after recovery, when it fails by something
    /// that can be got over.
    /// @throws what work throws in the end, or that the token is not back in time
    void at_slot(const PinProvider& pin, const std::function<void(FunctionList& calls, CK_SLOT_ID slot)>& work);

    /// Whoever is not logged in sees no private object: what a search did not find means something only when this passes
    /// after it.
    /// @throws CKR_USER_NOT_LOGGED_IN when the login that the token wants has ended
    void require_sight(const Session& session) const;

    /// Makes a copy of a key that lives as long as the login; CK_INVALID_HANDLE when the token does not.
    [[nodiscard]] CK_OBJECT_HANDLE copy_for_session(CK_OBJECT_HANDLE key, const Deadline& deadline);

    /// To be held while a key is found: by one thread for each key, and not for all keys.
    [[nodiscard]] TimedMutex& finding(const void* key) noexcept;

    /// Shows the PIN for one use of a key with CKA_ALWAYS_AUTHENTICATE.
    [[nodiscard]] CK_RV log_in_for_operation(const SessionPool::Loan& loan, const PinProvider& pin, const Deadline& deadline);

    /// Ends an operation that a failed call may have left active in a session, so that the session can be used further.
    /// @param operation CKF_SIGN or the like
    /// @param why what the call answered
    /// @return false where that cannot be, and the session is to be given up
    [[nodiscard]] bool cancel(const Session& session, CK_FLAGS operation, CK_RV why) noexcept;

    /// Keeps a fork waiting, as a call would: for what takes locks of other libraries that a child would find held.
    /// No calls are to be made meanwhile.
    /// @throws Errc::timed_out when somebody initialises the module all the while
    [[nodiscard]] Module::Use stay_inside() const { return Module::Use::without_calls(*module_, new_deadline()); }

    void count_operation(bool repeated, bool verified) noexcept;
    /// Tells the observer, if there is one.
    /// @param since when it began; nothing when it took no time
    void tell(std::string_view event, std::string_view return_value = {}, int attempt = 0,
              std::optional<Deadline::Clock::time_point> since = std::nullopt) const noexcept;
    void tell(std::string_view event, const Error& error, int attempt = 0,
              std::optional<Deadline::Clock::time_point> since = std::nullopt) const noexcept;

    void count_find() noexcept { finds_.fetch_add(1, std::memory_order_relaxed); }
    void count_failure(const Error& error, int attempt = 0) noexcept;
    [[nodiscard]] TokenCounters counters() const;

    void begin_anew_in_child() noexcept override;

private:
    struct State;

    [[nodiscard]] State* new_state();
    [[nodiscard]] OwnSession open_own(SessionMode mode, const Deadline& deadline) const;
    [[nodiscard]] SessionMode usual_mode() const noexcept {
        return quirks_.read_write_sessions ? SessionMode::read_write : SessionMode::read_only;
    }
    void renew_login(State& state, const Module::Use& use, const PinProvider& pin, const Deadline& deadline);
    void log_in_again(std::uint64_t seen, const PinProvider& pin, const Deadline& deadline);
    void keep_login(std::uint64_t seen, const PinProvider& pin, const Deadline& deadline);
    [[nodiscard]] bool is_still_there(const Deadline& deadline);
    void require_sight_of_reader(SessionMode mode, const Session& session) const {
        if(mode == SessionMode::read_only) {
            require_sight(session);
        }
    }
    void apply(const Error& failure, std::uint64_t seen, int failures, const PinProvider& pin, const Deadline& deadline);
    void wait_until_back(std::string_view doing, const PinProvider& pin, const Deadline& deadline);
    void come_back(const Error& failure, std::uint64_t seen, bool reload, const PinProvider& pin, const Deadline& deadline);
    enum class Reload { no, may, must };
    [[nodiscard]] std::optional<Error> look(Reload reload, const PinProvider& pin, const Deadline& deadline);
    /// Whether it is back by itself, so that its module need not be reloaded.
    [[nodiscard]] bool is_listed(const Deadline& deadline) const;
    void set_circuit(Circuit circuit) noexcept;

    std::shared_ptr<Module> module_;
    TokenSelector selector_;
    TokenLimits limits_;
    TokenInfo info_;
    QuirkProfile quirks_;
    QuirkNumbers quirk_numbers_;
    std::atomic<std::uint64_t> epoch_{1};
    State* state_;  // of this process: a child gets another one and leaves its parent's alone
    std::atomic<bool> wants_login_{false};
    std::atomic<bool> cannot_copy_{false};
    std::atomic<bool> cannot_cancel_{false};
    std::atomic<Circuit> circuit_{Circuit::closed};

    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::uint64_t> repeated_{0};
    std::atomic<std::uint64_t> verified_{0};
    std::atomic<std::uint64_t> logins_{0};
    std::atomic<std::uint64_t> finds_{0};
    std::atomic<std::uint64_t> reconnects_{0};
    std::atomic<std::uint64_t> looks_{0};
};

/// The return value by whose name an error was made; CKR_OK when there is none.
[[nodiscard]] CK_RV return_value_of(const Error& error) noexcept;

/// Whether it says that a key is not there, or another one, though the token may have changed while it was looked for.
[[nodiscard]] bool may_have_changed_meanwhile(const Error& error) noexcept;

/// The same error, as one that can be got over by looking for the key again.
[[nodiscard]] Error call_failed_meanwhile(const Error& error);

template <typename Work>
auto Token::with_session(SessionMode mode, const PinProvider& pin, const Work& work) {
    constexpr int most_failures = 4;
    bool looked_twice = false;  // the token may have changed during the first look
    const auto deadline = new_deadline();
    for(int failures = 1;; ++failures) {
        const auto seen = epoch();
        std::optional<Error> failure;
        try {
            log_in(pin, deadline);
            const auto session = open_own(mode, deadline);
            try {
                if constexpr(std::is_void_v<decltype(work(*session))>) {
                    work(*session);
                    require_sight_of_reader(mode, *session);
                    return;
                } else {
                    auto result = work(*session);
                    require_sight_of_reader(mode, *session);
                    return result;
                }
            } catch(const Error& error) {
                if(may_have_changed_meanwhile(error) && failures < most_failures) {
                    require_sight(*session);
                    if(!std::exchange(looked_twice, true)) {
                        throw call_failed_meanwhile(error);
                    }
                }
                throw;
            }
        } catch(const Error& error) {
            if(failures == most_failures || deadline.passed() || !may_pass(error)) {
                throw;
            }
            failure = error;
        }
        recover(*failure, seen, failures, pin, deadline);
    }
}

}  // namespace keyway::pkcs11
