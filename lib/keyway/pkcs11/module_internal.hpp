// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/broken_pipes_internal.hpp>
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/deadline_internal.hpp>
#include <keyway/pkcs11/fork_watch_internal.hpp>
#include <keyway/pkcs11/newer_calls_internal.hpp>
#include <keyway/pkcs11/timed_mutex_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace keyway::pkcs11 {

/// A loaded and initialised PKCS#11 module.
///
/// All users in the process share one; it is finalised when the last of them goes. Whoever makes calls holds a Use, so that
/// the module is not finalised under him when it is reloaded. A forked child initialises it for itself when it first needs it.
/// @threadsafety safe: modules are initialised with operating system locking
/// @spec PKCS#11 3.1 5.4
class Module final : public ForkAware {
public:
    /// @param path_or_name a library's path (with a slash), or the name of a module configured in p11-kit
    /// @param init_args handed to its C_Initialize as pReserved; empty: nothing
    /// @throws Errc::token_not_found when it cannot be loaded; Errc::token_failed when it cannot be initialised
    /// @throws Errc::invalid_option when it is in use with other init_args
    [[nodiscard]] static std::shared_ptr<Module> open(const std::string& path_or_name, const std::string& init_args = {});

    Module(const std::string& path_or_name, std::string init_args);
    ~Module();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& init_args() const noexcept { return init_args_; }
    [[nodiscard]] FunctionList& calls() const noexcept { return *calls_; }

    /// The calls of PKCS#11 3.0; null where the module has none.
    [[nodiscard]] const NewerCalls* newer_calls() const noexcept { return newer_calls_.get(); }

    struct Locks;

    /// The right to make calls, for the thread that made it. One beside another of the same module costs no wait; they end in
    /// any order, in that thread. A module that writes to a service that died does not end the program by SIGPIPE meanwhile, unless
    /// the program set the signal back to its default after the module was initialised.
    class Use {
    public:
        /// @throws Errc::token_failed when the process is ending
        explicit Use(const Module& module) : Use(module, nullptr) {}
        /// @throws also Errc::timed_out when somebody initialises the module for longer, or is in one that stands one at a time
        Use(const Module& module, const Deadline& deadline) : Use(module, &deadline) {}

        /// Keeps forks and reloads waiting as a call would, for one who makes none: no turn is waited for in a module that stands
        /// one thread at a time.
        /// @throws Errc::timed_out when somebody initialises the module for longer; Errc::token_failed when the process is ending
        [[nodiscard]] static Use without_calls(const Module& module, const Deadline& deadline) {
            return {module, &deadline, Calls::none};
        }
        Use(Use&& other) noexcept : quiet_(std::move(other.quiet_)), locks_(std::exchange(other.locks_, nullptr)) {}
        Use& operator=(Use&&) = delete;
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use();

    private:
        enum class Calls { none, some };
        Use(const Module& module, const Deadline* deadline, Calls calls = Calls::some);

        NoBrokenPipes quiet_;
        Locks* locks_;  // null once moved from; a forked child leaves those of its parent
    };

    /// Counts the times it was initialised: what was opened under another number is gone.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

    /// False in a forked child at first, and when a reload failed halfway.
    [[nodiscard]] bool is_initialised() const noexcept { return initialised_.load(std::memory_order_acquire); }

    /// Initialises it where it is not. Not to be called with a Use in hand.
    /// @throws Errc::token_failed, Errc::timed_out
    void ensure_initialised();
    void ensure_initialised(const Deadline& deadline);

    /// Finalises it and initialises it again, unless that was done less than 30 s ago or by somebody else since `seen`. Where it
    /// has shown no token since, nobody can have lost anything by that one, and 1 s is enough. Waits until nobody has a Use;
    /// not to be called with one in hand.
    ///
    /// @return whether it was initialised since `seen`
    /// @throws Errc::token_failed when it could not be initialised again
    [[nodiscard]] bool reload(std::uint64_t seen, const Deadline& deadline);

    /// How long until reload() may do it again; zero when it may now.
    [[nodiscard]] Milliseconds until_next_reload() const noexcept;

    [[nodiscard]] std::uint64_t reloads() const noexcept { return reloads_.load(std::memory_order_relaxed); }

    /// Tokens that are open on it, and how many of them are thought to be away: it is not reloaded for the sake of one while
    /// others work.
    void attach_token() noexcept { tokens_.fetch_add(1, std::memory_order_relaxed); }
    void detach_token() noexcept { tokens_.fetch_sub(1, std::memory_order_relaxed); }
    void count_away(int change) noexcept { away_.fetch_add(change, std::memory_order_relaxed); }
    [[nodiscard]] bool all_away() const noexcept {
        return away_.load(std::memory_order_relaxed) >= tokens_.load(std::memory_order_relaxed);
    }

    /// From now on sessions are opened and closed one at a time: the module does not lock its table of them.
    void open_sessions_one_at_a_time() noexcept { sessions_apart_.store(true, std::memory_order_relaxed); }

    /// The turn to open or close a session, or to log in or out; at once for a module that locks its sessions itself.
    class SessionTurn {
    public:
        /// False when others have had it for too long, or beyond the deadline: one of them may hang.
        [[nodiscard]] bool granted() const noexcept { return lock_.mutex() == nullptr || lock_.owns_lock(); }

    private:
        friend class Module;
        std::unique_lock<TimedMutex> lock_;
    };
    /// By one who has a Use, and keeps it meanwhile.
    [[nodiscard]] SessionTurn session_turn(const Deadline& deadline = Deadline(usual_patience)) const;

    /// From now on no objects are made while others are looked for: the module does not lock its list of them.
    void make_objects_apart() noexcept { objects_apart_.store(true, std::memory_order_relaxed); }

    enum class ObjectWork { looking, making };

    /// Keeps those away who make objects while this one looks for some, or the other way round; of the same kind, any number can be
    /// at work. Nothing for a module that locks its objects itself. Whoever takes long is not waited for.
    class ObjectsTurn {
    public:
        ObjectsTurn(const Module& module, ObjectWork work);
        ~ObjectsTurn();
        ObjectsTurn(const ObjectsTurn&) = delete;
        ObjectsTurn& operator=(const ObjectsTurn&) = delete;

    private:
        Locks* locks_;  // null where there is no need
        ObjectWork work_;
    };

    /// Closes a session, by one who has a Use. Where others have the turn for longer than a moment, whoever gets it next closes
    /// it: without the turn it would damage the others' sessions, and waiting for it would outlast the user's deadline.
    void close_session(CK_SESSION_HANDLE session) const noexcept;

    /// All tokens present, initialised or not. Not to be called with a Use in hand.
    /// @throws Errc::timed_out when another thread asks and gets no answer for so long
    [[nodiscard]] std::vector<TokenInfo> tokens(const Deadline& deadline = Deadline(usual_patience));

    /// The same for one who has a Use.
    [[nodiscard]] std::vector<TokenInfo> tokens(const Use& use, const Deadline& deadline = Deadline(usual_patience)) const;

    /// @throws Errc::token_not_found when the slot is empty; Errc::timed_out
    [[nodiscard]] TokenInfo token_in(const Use& use, CK_SLOT_ID slot, const Deadline& deadline = Deadline(usual_patience)) const;

    void begin_anew_in_child() noexcept override;

    /// Keeps everybody out of the module for a moment, so that a fork finds it, and what it uses, without a lock held by a
    /// thread that the child does not have.
    /// @return false when somebody stays in a call for longer than a fork can wait; this thread itself, maybe
    [[nodiscard]] bool calm() noexcept;
    void resume() noexcept;

    /// At the end of the process.
    void close_for_good() noexcept;

private:
    static constexpr Milliseconds usual_patience{10'000};

    void initialise();
    [[nodiscard]] std::unique_lock<TimedMutex> lock_slots(const Deadline& deadline) const;

    std::string name_;
    std::string init_args_;
    FunctionList* calls_;
    std::unique_ptr<const NewerCalls> newer_calls_;
    bool one_at_a_time_;  // threads wait for each other at its door
    Locks* locks_;  // of this process: a child gets others and leaves its parent's alone
    std::atomic<bool> initialised_{false};
    std::atomic<bool> sessions_apart_{false};
    std::atomic<bool> objects_apart_{false};
    std::atomic<std::uint64_t> generation_{0};
    std::atomic<std::uint64_t> reloads_{0};
    std::atomic<Deadline::Clock::rep> last_reload_;
    mutable std::atomic<bool> has_shown_a_token_{false};  // since it was initialised
    // Kept, as asking costs as much as blocking: three system calls for each signature, which a program that ignores SIGPIPE,
    // as services do, need not pay.
    std::atomic<NoBrokenPipes::When> keep_pipes_quiet_{NoBrokenPipes::When::always};
    std::atomic<int> tokens_{0};
    std::atomic<int> away_{0};
};

/// True once the process is on its way out: modules must then be left alone, as their own static objects may be gone (a
/// C_* call there crashes SoftHSM, among others). Handles are given up instead; the operating system frees the rest.
[[nodiscard]] bool process_is_exiting() noexcept;

/// What is given up then, kept where a leak checker sees that it is meant.
void leave_to_the_process(const void* given_up) noexcept;

}  // namespace keyway::pkcs11
