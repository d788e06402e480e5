// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/load_module_internal.hpp>
#include <keyway/pkcs11/module_locks_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <keyway/pkcs11/token_info_internal.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

namespace keyway::pkcs11 {

namespace {

using Clock = Deadline::Clock;

constexpr std::chrono::seconds between_reloads{30};

/// Some modules (p11-kit's client) can be initialised while their service is away, have no token then, and never look again.
/// Initialising such a one once more takes nothing from anybody.
constexpr std::chrono::seconds after_a_vain_reload{1};

/// For how long whoever wants a module for himself keeps others out while he waits for those inside. A call that hangs is to
/// hold up nobody else for longer.
constexpr Milliseconds for_a_reload{500};
constexpr Milliseconds for_a_fork{200};
constexpr Milliseconds for_the_end{1'000};

std::atomic<bool> exiting{false};

/// The modules that are open. A process has one instance of each, so this has to be global.
class ModuleTable final : public ForkAware {
public:
    ModuleTable() { watch_forks(); }

    std::shared_ptr<Module> open(const std::string& name, const std::string& init_args) {
        const std::lock_guard lock(*opening_);
        if(auto open = find(name)) {
            if(open->init_args() != init_args) {
                throw Error(Errc::invalid_option,
                            "the PKCS#11 module " + in_quotes(name) + " is in use with other init-args",
                            "a process initialises a module once: give the same init-args everywhere");
            }
            return open;
        }
        auto made = std::make_shared<Module>(name, init_args);
        const bool is_new = [&] {
            const auto forks = hold_back_forks();
            return modules_.insert_or_assign(name, made).second;
        }();
        if(is_new) {
            come_first_at_forks();
        }
        return made;
    }

    std::vector<std::shared_ptr<Module>> all() {
        std::vector<std::shared_ptr<Module>> open;
        const auto forks = hold_back_forks();
        open.reserve(modules_.size());
        for(const auto& [name, module] : modules_) {
            if(auto locked = module.lock()) {
                open.push_back(std::move(locked));
            }
        }
        return open;
    }

    void begin_anew_in_child() noexcept override { opening_ = new std::mutex; }

private:
    std::shared_ptr<Module> find(const std::string& name) {
        const auto forks = hold_back_forks();
        const auto found = modules_.find(name);
        return found == modules_.end() ? nullptr : found->second.lock();
    }

    std::mutex* opening_ = new std::mutex;
    std::map<std::string, std::weak_ptr<Module>> modules_;
};

/// Never destroyed, so that nothing of it runs in a static destructor.
ModuleTable& table() {
    static auto* const instance = new ModuleTable;
    return *instance;
}

/// The modules that this fork() keeps everybody out of. On the heap, as a child leaves it alone.
std::vector<std::shared_ptr<Module>>* calmed = nullptr;

void calm_modules() noexcept {
    auto all = table().all();
    std::erase_if(all, [](const auto& module) { return !module->calm(); });
    calmed = new std::vector(std::move(all));
}

void resume_modules() noexcept {
    for(const auto& module : *calmed) {
        module->resume();
    }
    delete std::exchange(calmed, nullptr);
}

void leave_modules_to_the_parent() noexcept {
    calmed = nullptr;
}

constexpr AroundForks around_forks{calm_modules, resume_modules, leave_modules_to_the_parent};

/// Other threads may be in calls while the main one ends the process: they are waited for, and none gets in any more, before
/// the modules' own static objects go.
void end_use_of_modules() {
    exiting = true;
    for(const auto& module : table().all()) {
        module->close_for_good();
    }
}

/// Handlers run in reverse order of registration. Registered after the first module was initialised, this one runs before
/// anything of that module or of what it uses is torn down, and objects made later go before this one, which is as well.
void watch_for_exit() {
    static const int registered = std::atexit(end_use_of_modules);
    static_cast<void>(registered);
}

bool went_away(CK_RV result) noexcept {
    switch(result) {
        case CKR_SLOT_ID_INVALID:
        case CKR_TOKEN_NOT_PRESENT:
        case CKR_TOKEN_NOT_RECOGNIZED:
        case CKR_DEVICE_REMOVED:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::shared_ptr<Module> Module::open(const std::string& path_or_name, const std::string& init_args) {
    if(process_is_exiting()) {
        throw Error(Errc::token_failed, "the process is ending, so that the PKCS#11 module " + in_quotes(path_or_name) +
                                            " is not opened any more");
    }
    return table().open(path_or_name, init_args);
}

Module::Module(const std::string& path_or_name, std::string init_args)
    : name_(path_or_name),
      init_args_(std::move(init_args)),
      calls_(load_module(path_or_name)),
      one_at_a_time_(speaks_by_one_connection(*calls_)),
      locks_(new Locks),
      last_reload_((Clock::now() - between_reloads).time_since_epoch().count()) {
    try {
        initialise();
        newer_calls_ = pkcs11::newer_calls(*calls_);
    } catch(...) {
        delete locks_;
        p11_kit_module_release(calls_);
        throw;
    }
    watch_for_exit();
    set_around_forks(around_forks);
    watch_forks();
}

Module::~Module() {
    leave_forks();
    if(process_is_exiting()) {
        leave_to_the_process(locks_);
        return;
    }
    const NoBrokenPipes quiet;
    if(is_initialised()) {
        p11_kit_module_finalize(calls_);
    }
    p11_kit_module_release(calls_);
    delete locks_;
}

void Module::initialise() {
    keep_pipes_quiet_ = broken_pipes_end_the_program() ? NoBrokenPipes::When::always : NoBrokenPipes::When::never;
    const NoBrokenPipes quiet;
    has_shown_a_token_.store(false, std::memory_order_relaxed);
    CK_RV result = CKR_OK;
    if(init_args_.empty()) {
        result = p11_kit_module_initialize(calls_);
    } else {
        // NSS has a member more behind the standard's: without it, it reads what lies there.
        struct {
            CK_C_INITIALIZE_ARGS standard{};
            void* nss_reserved = nullptr;
        } args;
        args.standard.flags = CKF_OS_LOCKING_OK;
        args.standard.pReserved = init_args_.data();
        result = calls_->C_Initialize(&args);
    }
    // Somebody else in this process may have initialised it without p11-kit; that is as good.
    if(result != CKR_OK && result != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        auto error = call_failed(result, "initialise the PKCS#11 module " + in_quotes(name_));
        throw Error(error.code(), error.message(), what_a_module_may_lack(*calls_, name_))
            .with_return_value(error.return_value());
    }
    generation_.fetch_add(1, std::memory_order_acq_rel);
    initialised_.store(true, std::memory_order_release);
}

void Module::ensure_initialised() {
    if(is_initialised()) {
        return;
    }
    const std::lock_guard lock(locks_->initialising);
    if(!is_initialised()) {
        initialise();
    }
}

void Module::ensure_initialised(const Deadline& deadline) {
    if(is_initialised()) {
        return;
    }
    const std::unique_lock lock(locks_->initialising, deadline.at());
    if(!lock) {
        throw Error(Errc::timed_out, "another thread has been initialising the PKCS#11 module " + in_quotes(name_) + " all the while",
                    "the module, or the service that it asks, hangs");
    }
    if(!is_initialised()) {
        initialise();
    }
}

Milliseconds Module::until_next_reload() const noexcept {
    const Clock::time_point last{Clock::duration(last_reload_.load(std::memory_order_relaxed))};
    const auto pause = has_shown_a_token_.load(std::memory_order_relaxed) ? between_reloads : after_a_vain_reload;
    return std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(last + pause - Clock::now()));
}

bool Module::reload(std::uint64_t seen, const Deadline& deadline) {
    const std::unique_lock lock(locks_->initialising, deadline.at());
    if(!lock) {
        return false;
    }
    if(generation() != seen) {
        return is_initialised();
    }
    if(until_next_reload().count() > 0 ||
       !locks_->gate.close(Deadline(deadline.at_latest(Clock::now() + for_a_reload)))) {
        return false;
    }
    // Also opened when initialising fails: whoever comes then is told so by the module.
    struct Reopen {
        Gate& gate;
        ~Reopen() { gate.open(); }
    } const reopen{locks_->gate};
    last_reload_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    reloads_.fetch_add(1, std::memory_order_relaxed);
    if(is_initialised()) {
        const NoBrokenPipes quiet;
        initialised_.store(false, std::memory_order_release);
        p11_kit_module_finalize(calls_);
    }
    initialise();
    return true;
}

std::unique_lock<TimedMutex> Module::lock_slots(const Deadline& deadline) const {
    std::unique_lock lock(locks_->slots, deadline.at());
    if(!lock) {
        throw Error(Errc::timed_out, "another thread has been asking for the slots of module " + in_quotes(name_) + " all the while",
                    "the module, or the service that it asks, hangs");
    }
    return lock;
}

std::vector<TokenInfo> Module::tokens(const Deadline& deadline) {
    ensure_initialised(deadline);
    const Use use(*this, deadline);
    return tokens(use, deadline);
}

std::vector<TokenInfo> Module::tokens(const Use&, const Deadline& deadline) const {
    const auto lock = lock_slots(deadline);
    std::vector<CK_SLOT_ID> slots;
    for(;;) {
        CK_ULONG count = 0;
        auto result = calls_->C_GetSlotList(CK_TRUE, nullptr, &count);
        if(result == CKR_OK && count > 0) {
            slots.resize(count);
            result = calls_->C_GetSlotList(CK_TRUE, slots.data(), &count);
        }
        if(result == CKR_BUFFER_TOO_SMALL) {
            continue;  // a token was put in between the two calls
        }
        if(result != CKR_OK) {
            throw call_failed(result, "list the slots of module " + in_quotes(name_));
        }
        slots.resize(std::min<std::size_t>(count, slots.size()));
        break;
    }
    std::vector<TokenInfo> tokens;
    CK_RV broken = CKR_OK;
    for(const auto slot : slots) {
        CK_TOKEN_INFO raw{};
        const auto result = calls_->C_GetTokenInfo(slot, &raw);
        if(result == CKR_OK) {
            tokens.push_back(to_token_info(slot, raw));
        } else if(!went_away(result)) {
            broken = result;
        }
    }
    // One that does not answer hides no other; where there is none, it is no answer that there is none.
    if(tokens.empty() && broken != CKR_OK) {
        throw call_failed(broken, "read the tokens of module " + in_quotes(name_));
    }
    if(!tokens.empty()) {
        has_shown_a_token_.store(true, std::memory_order_relaxed);
    }
    return tokens;
}

TokenInfo Module::token_in(const Use&, CK_SLOT_ID slot, const Deadline& deadline) const {
    const auto lock = lock_slots(deadline);
    CK_TOKEN_INFO raw{};
    if(const auto result = calls_->C_GetTokenInfo(slot, &raw); result != CKR_OK) {
        throw call_failed(result, "read the token in slot " + std::to_string(slot));
    }
    return to_token_info(slot, raw);
}

namespace {

/// What this thread is inside of, and how often: going in once more must not wait for somebody who waits for it to come out.
struct Inside {
    const void* locks = nullptr;
    unsigned depth = 0;
    bool has_turn = false;
};
thread_local std::array<Inside, 4> used_by_this_thread;

Inside* inside_of(const void* locks) noexcept {
    for(auto& one : used_by_this_thread) {
        if(one.locks == locks) {
            return &one;
        }
    }
    return nullptr;
}

std::unique_lock<TimedMutex> wait_for_turn(TimedMutex& turn, const Deadline* deadline) {
    if(deadline == nullptr) {
        return std::unique_lock(turn);
    }
    std::unique_lock lock(turn, deadline->at());
    if(!lock) {
        throw Error(Errc::timed_out, "another thread has been in the PKCS#11 module all the while, which stands one at a time",
                    "its service hangs, or is too slow for so many threads; raise deadline-ms");
    }
    return lock;
}

}  // namespace

Module::Use::Use(const Module& module, const Deadline* deadline, Calls calls)
    : quiet_(module.keep_pipes_quiet_.load(std::memory_order_relaxed)), locks_(module.locks_) {
    if(auto* const inside = inside_of(locks_)) {
        locks_->gate.enter_again();
        ++inside->depth;
        return;
    }
    auto* const unused = inside_of(nullptr);
    std::unique_lock<TimedMutex> turn;
    if(module.one_at_a_time_ && unused != nullptr && calls == Calls::some) [[unlikely]] {
        turn = wait_for_turn(locks_->turn, deadline);
    }
    locks_->gate.enter(deadline);
    if(unused != nullptr) {
        *unused = {locks_, 1, turn.release() != nullptr};
    }
}

Module::Use::~Use() {
    if(locks_ == nullptr) {
        return;
    }
    bool has_turn = false;
    if(auto* const inside = inside_of(locks_); inside != nullptr && --inside->depth == 0) {
        has_turn = std::exchange(*inside, {}).has_turn;
    }
    locks_->gate.leave();
    if(has_turn) [[unlikely]] {
        locks_->turn.unlock();
    }
}

bool Module::calm() noexcept {
    if(inside_of(locks_) != nullptr || !locks_->initialising.try_lock_for(for_a_fork)) {
        return false;
    }
    if(locks_->gate.close(Deadline(for_a_fork))) {
        return true;
    }
    locks_->initialising.unlock();
    return false;
}

void Module::resume() noexcept {
    locks_->gate.open();
    locks_->initialising.unlock();
}

void Module::close_for_good() noexcept {
    // Whoever is initialising it comes to an end first; the lock is kept.
    static_cast<void>(inside_of(locks_) == nullptr && locks_->initialising.try_lock_for(for_the_end));
    locks_->gate.close_for_good(Deadline(inside_of(locks_) == nullptr ? for_the_end : Milliseconds(0)));
}

void Module::begin_anew_in_child() noexcept {
    locks_ = new Locks;
    initialised_.store(false, std::memory_order_relaxed);
    // What the parent opened is not this process's.
    generation_.fetch_add(1, std::memory_order_relaxed);
}

bool process_is_exiting() noexcept {
    return exiting;
}

}  // namespace keyway::pkcs11
