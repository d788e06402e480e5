// SPDX-License-Identifier: BSD-2-Clause
#include "runtime.hpp"

#include "time.hpp"
#include "token_objects.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

namespace pkcs11_fault {

namespace {

/// How often a hanging call looks whether it may come back.
constexpr auto release_interval = std::chrono::milliseconds(2);

[[nodiscard]] double milliseconds_of(const Delay& delay, double chance) {
    switch (delay.shape) {
    case Delay::Shape::fixed: return delay.first;
    case Delay::Shape::uniform: return delay.first + chance * (delay.second - delay.first);
    case Delay::Shape::exponential: return -delay.first * std::log1p(-chance);
    case Delay::Shape::normal: {
        // Box-Muller; the second number is made of the first one's lower digits.
        constexpr double circle = 6.283185307179586;
        const double angle = std::fmod(chance * 1048576, 1.0) * circle;
        const double value = std::sqrt(-2 * std::log1p(-chance)) * std::cos(angle);
        return std::max(0.0, delay.first + value * delay.second);
    }
    }
    return 0;
}

/// Whether a function that is given a slot needs the token in it.
[[nodiscard]] bool needs_token(Function function) {
    switch (function) {
    case Function::C_GetTokenInfo:
    case Function::C_GetMechanismList:
    case Function::C_GetMechanismInfo:
    case Function::C_InitToken:
    case Function::C_OpenSession: return true;
    default: return false;
    }
}

[[nodiscard]] bool has_work(const Plan& plan) {
    return !plan.faults.empty() || plan.log || plan.control || plan.init_arguments;
}

} // namespace

Runtime::Runtime(Plan wanted)
    : plan(std::move(wanted)), real(plan.module), counters(plan.counters), control(plan.control),
      rules(plan.seed, plan.faults), watches_(has_work(plan)) {
    if (plan.log) {
        log.emplace(*plan.log);
    }
}

void Runtime::look_at_control() {
    if (!control.used()) {
        return;
    }
    control.look({.obey =
                      [this](const Command& command) {
                          switch (command.kind) {
                          case Command::Kind::add: rules.add(command.faults, Rules::Origin::control); break;
                          case Command::Kind::clear: rules.clear(command.cleared); break;
                          case Command::Kind::release_hangs: ++releases_; break;
                          case Command::Kind::insert_device: devices.inserted(); break;
                          case Command::Kind::reset_counters: break; // comes as .reset
                          }
                      },
                  .take_back = [this] { rules.clear(Rules::Origin::control); },
                  .refuse =
                      [this](const std::string& why) {
                          std::fprintf(stderr, "pkcs11-fault: error: control file: %s\n", why.c_str());
                          if (log) {
                              log->note("control-line-refused", why);
                          }
                      },
                  .reset = [this](std::uint64_t key, bool anew) { counters.reset(key, anew); }});
}

std::vector<CK_SLOT_ID> Runtime::slots_of(const Call& call) {
    if (call.slot) {
        return {*call.slot};
    }
    CK_ULONG count = 0;
    CK_SLOT_ID* none = nullptr;
    const CK_BBOOL present = CK_TRUE;
    gate.enter();
    std::vector<CK_SLOT_ID> slots;
    if (real.call<Function::C_GetSlotList>(present, none, &count) == CKR_OK && count != 0) {
        slots.resize(count);
        if (real.call<Function::C_GetSlotList>(present, slots.data(), &count) != CKR_OK) {
            count = 0;
        }
        slots.resize(count);
    }
    gate.leave();
    return slots;
}

void Runtime::close(const std::vector<CK_SESSION_HANDLE>& lost) {
    if (lost.empty()) {
        return;
    }
    gate.alone([&] {
        for (const CK_SESSION_HANDLE session : lost) {
            real.call<Function::C_CloseSession>(session);
        }
    });
}

std::optional<CK_RV> Runtime::lose_sessions(const SessionLost& lost, const Call& call) {
    if (lost.all && (call.slot || !call.session)) {
        close(sessions.take(call.slot));
    } else if (call.session && sessions.find(*call.session)) {
        sessions.closed(*call.session);
        close({*call.session});
    }
    return call.session && lost.value != CKR_OK ? std::optional(lost.value) : std::nullopt;
}

std::optional<CK_RV> Runtime::remove_device(const DeviceRemoved& removed, const Call& call) {
    for (const CK_SLOT_ID slot : slots_of(call)) {
        const auto taken = sessions.take(slot);
        devices.removed(slot, removed.milliseconds, removed.value, taken);
        close(taken);
    }
    return call.session && removed.value != CKR_OK ? std::optional(removed.value) : std::nullopt;
}

void Runtime::log_out(const Call& call) {
    for (const CK_SLOT_ID slot : call.slot ? std::vector{*call.slot} : sessions.slots()) {
        if (const auto session = sessions.any_of(slot)) {
            gate.alone([&] { real.call<Function::C_Logout>(*session); });
        }
    }
}

void Runtime::renumber_handles(const HandlesRenumbered& renumbered, const Call& call) {
    if (!renumbered.reused) {
        objects.renumber();
        return;
    }
    for (const CK_SLOT_ID slot : slots_of(call)) {
        gate.alone([&] { objects.shuffle(rotated_handles(OwnSession(real, slot))); });
    }
}

void Runtime::settle_swaps(CK_SLOT_ID slot) {
    std::map<std::uint64_t, KeySwapped> open;
    {
        const std::lock_guard lock(swaps_mutex_);
        open = open_swaps_;
    }
    for (const auto& [number, swap] : open) {
        // To the end alone, so that the module is not finalised before what was found is noted.
        gate.alone([&, &number = number, &swap = swap] {
            const SwappedObjects found = find_swapped(OwnSession(real, slot), swap);
            for (const auto& [replaced, with] : found.with) {
                objects.swap(replaced, with);
            }
            const std::lock_guard lock(swaps_mutex_);
            if (found.has_private_key) {
                settled_swaps_.insert(open_swaps_.extract(number));
            }
            swaps_open_ = !open_swaps_.empty();
        });
    }
}

void Runtime::hang(const Hang& hang) {
    const auto end = std::chrono::steady_clock::now() + as_duration(hang.milliseconds);
    const std::uint64_t before = releases_;
    while (releases_ == before && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(release_interval);
        look_at_control();
    }
}

std::optional<CK_RV> Runtime::apply(const CallFault& fault, double chance, Call& call) {
    if (const auto* answer = std::get_if<ReturnValue>(&fault)) {
        return answer->value;
    }
    if (const auto* lost = std::get_if<SessionLost>(&fault)) {
        return lose_sessions(*lost, call);
    }
    if (const auto* removed = std::get_if<DeviceRemoved>(&fault)) {
        return remove_device(*removed, call);
    }
    if (std::holds_alternative<PinRejected>(fault)) {
        if (call.slot && call.pin_owner) {
            pins.failed(*call.slot, *call.pin_owner);
        }
        return CKR_PIN_INCORRECT;
    }
    if (std::holds_alternative<LoggedOut>(fault)) {
        log_out(call);
    } else if (const auto* renumbered = std::get_if<HandlesRenumbered>(&fault)) {
        renumber_handles(*renumbered, call);
    } else if (const auto* swap = std::get_if<KeySwapped>(&fault)) {
        const std::lock_guard lock(swaps_mutex_);
        if (swap->stale) {
            objects.renumber();
        }
        open_swaps_[swaps_++] = *swap;
        swaps_open_ = true;
    } else if (std::holds_alternative<SlotRenumbered>(fault)) {
        devices.renumber_slots();
    } else if (const auto* slow = std::get_if<Slow>(&fault)) {
        std::this_thread::sleep_for(as_duration(milliseconds_of(slow->delay, chance)));
    } else if (const auto* hanging = std::get_if<Hang>(&fault)) {
        hang(*hanging);
    }
    return std::nullopt;
}

bool Runtime::ends_idle_sessions(const Call& call) {
    const auto* timeout = call.newest_fault<IdleTimeout>();
    if (timeout == nullptr || !call.slot) {
        return false;
    }
    const auto limit = std::chrono::steady_clock::now() - as_duration(timeout->milliseconds);
    const auto idle = sessions.take_idle(*call.slot, limit);
    close(idle);
    return call.session && std::find(idle.begin(), idle.end(), *call.session) != idle.end();
}

std::optional<CK_RV> Runtime::before(Call& call) {
    look_at_control();
    call.standing = rules.standing();
    if (const auto* detection = call.newest_fault<ForkDetection>();
        detection != nullptr && forked && call.function != Function::C_Initialize) {
        return detection->value;
    }
    CallFacts facts{call.function, std::nullopt, call.asks_for_size, call.pin_owner};
    if (call.session) {
        if (const auto session = sessions.find(*call.session)) {
            call.slot = session->slot;
            facts.session = session->ordinal;
        }
    }
    call.fired = rules.fire(facts);
    std::size_t tried = 0;
    const auto answer = answer_before(call, tried);
    if (answer) {
        // The others are still to come, and the log must not say that they did.
        std::vector<FiredFault> came;
        std::vector<FiredFault> missed;
        for (std::size_t i = 0; i < call.fired.size(); ++i) {
            (i < tried && call.fired[i].moment == Moment::before ? came : missed).push_back(call.fired[i]);
        }
        rules.give_back(missed);
        call.fired = std::move(came);
        return answer;
    }
    if (swaps_open_ && call.object && call.slot) {
        settle_swaps(*call.slot);
    }
    if (call.session) {
        static_cast<void>(sessions.begin(*call.session));
    }
    return std::nullopt;
}

std::optional<CK_RV> Runtime::answer_before(Call& call, std::size_t& tried) {
    if (ends_idle_sessions(call)) {
        return call.newest_fault<IdleTimeout>()->value;
    }
    if (const auto answer = standing_answer(call)) {
        return answer;
    }
    for (const FiredFault& fault : call.fired) {
        ++tried;
        if (fault.moment == Moment::before) {
            if (const auto answer = apply(fault.what, fault.chance, call)) {
                if (*answer != CKR_BUFFER_TOO_SMALL) {
                    end_operation(call);
                }
                return answer;
            }
        }
    }
    if (const auto answer = call.session ? devices.answer(*call.session) : std::nullopt) {
        return answer;
    }
    if (call.slot && needs_token(call.function) && devices.is_away(*call.slot)) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    return std::nullopt;
}

CK_RV Runtime::after(const Call& call, CK_RV value) {
    if (call.session) {
        sessions.end(*call.session);
    }
    Call copy = call;
    for (const FiredFault& fault : call.fired) {
        if (fault.moment == Moment::after) {
            value = apply(fault.what, fault.chance, copy).value_or(value);
        }
    }
    return value;
}

void Runtime::forget_handles() {
    sessions.forget_all();
    objects.forget_all();
    devices.forget_sessions();
    rules.forget_sessions();
    const std::lock_guard lock(swaps_mutex_);
    open_swaps_.merge(settled_swaps_);
    swaps_open_ = !open_swaps_.empty();
}

void Runtime::hold_for_fork() {
    control.lock();
    swaps_mutex_.lock();
    gate.before_fork();
    rules.lock();
    sessions.lock();
    objects.lock();
    devices.lock();
    pins.lock();
    if (log) {
        log->lock();
    }
}

void Runtime::release_after_fork(bool in_child) {
    if (log) {
        log->unlock();
    }
    pins.unlock();
    devices.unlock();
    objects.unlock();
    sessions.unlock();
    rules.unlock();
    if (in_child) {
        forked = true;
        gate.after_fork_in_child();
    } else {
        gate.after_fork_in_parent();
    }
    swaps_mutex_.unlock();
    control.unlock();
}

} // namespace pkcs11_fault
