// SPDX-License-Identifier: BSD-2-Clause
#include "rules.hpp"

#include <algorithm>

namespace pkcs11_fault {

namespace {

/// A number from 0 to below 1 that depends on all three and looks random (splitmix64).
[[nodiscard]] double mixed(std::uint64_t seed, std::uint64_t rule, std::uint64_t call) {
    std::uint64_t state = seed + 0x9e3779b97f4a7c15U * (call + 1) + 0xd1342543de82ef95U * (rule + 1);
    state = (state ^ (state >> 30U)) * 0xbf58476d1ce4e5b9U;
    state = (state ^ (state >> 27U)) * 0x94d049bb133111ebU;
    state ^= state >> 31U;
    return static_cast<double>(state >> 11U) / 9007199254740992.0; // 2^53
}

[[nodiscard]] bool changes_signatures(const CallFault& fault) {
    return std::holds_alternative<WrongLengthSignature>(fault) || std::holds_alternative<CorruptSignature>(fault);
}

/// For a control line that names no call: the next one that can show the fault, once.
[[nodiscard]] Trigger next_call(const CallFault& fault) {
    const bool needs_session = std::holds_alternative<SessionLost>(fault);
    const bool needs_login = std::holds_alternative<PinRejected>(fault);
    Trigger trigger;
    for (std::size_t i = 0; i < function_count; ++i) {
        const Function function = static_cast<Function>(i);
        const bool starts_or_ends = function == Function::C_Initialize || function == Function::C_Finalize;
        const bool logs_in = function == Function::C_Login || function == Function::C_LoginUser;
        const bool signs = function == Function::C_Sign || function == Function::C_SignFinal ||
                           function == Function::C_SignMessage;
        trigger.functions[i] = !starts_or_ends && (!needs_session || function_roles[i].starts_with('s')) &&
                               (!needs_login || logs_in) && (!changes_signatures(fault) || signs);
    }
    trigger.times = 1;
    trigger.moment = changes_signatures(fault) ? Moment::after : Moment::before;
    return trigger;
}

} // namespace

Rules::Rules(std::uint64_t seed, const std::vector<Fault>& faults) : seed_(seed) {
    add(faults, Origin::plan);
}

void Rules::add(const std::vector<Fault>& faults, Origin origin) {
    const std::lock_guard lock(mutex_);
    for (const Fault& fault : faults) {
        add_one(fault, origin);
    }
    list_standing();
}

void Rules::add_one(const Fault& fault, Origin origin) {
    if (const auto* standing = std::get_if<StandingFault>(&fault.what)) {
        all_standing_.push_back({fault.name, *standing, origin});
        return;
    }
    const auto& what = std::get<CallFault>(fault.what);
    rules_.push_back({.name = fault.name,
                      .trigger = fault.trigger.value_or(next_call(what)),
                      .what = what,
                      .origin = origin,
                      .number = added_++});
}

// Those who hold the list as it was go on with it.
void Rules::list_standing() {
    auto standing = std::make_shared<StandingFaults>();
    for (const Standing& one : all_standing_) {
        standing->push_back(one.what);
    }
    standing_ = std::move(standing);
}

template <typename Unwanted>
void Rules::remove(const Unwanted& unwanted) {
    const std::lock_guard lock(mutex_);
    rules_.remove_if(unwanted);
    std::erase_if(all_standing_, unwanted);
    list_standing();
}

void Rules::clear(const std::string& name) {
    remove([&](const auto& fault) { return name == "all" || fault.name == name; });
}

void Rules::clear(Origin origin) {
    remove([&](const auto& fault) { return fault.origin == origin; });
}

bool Rules::comes(Rule& rule, const CallFacts& call, double& chance) const {
    const Trigger& trigger = rule.trigger;
    if (!trigger.functions.test(index_of(call.function)) || (trigger.session && trigger.session != call.session)) {
        return false;
    }
    // The login of somebody else says nothing of this one's PIN.
    if (const auto* rejected = std::get_if<PinRejected>(&rule.what);
        rejected != nullptr && (!call.login || (rejected->owner && rejected->owner != call.login))) {
        return false;
    }
    // Asking for a signature's size makes none.
    if (call.asks_for_size && changes_signatures(rule.what)) {
        return false;
    }
    const std::uint64_t number = ++rule.calls;
    const std::uint64_t counted =
        trigger.per_session && call.session ? ++rule.calls_of_session[*call.session] : number;
    if (counted < trigger.from || (trigger.times && rule.fired >= *trigger.times)) {
        return false;
    }
    chance = mixed(seed_, rule.number, number);
    const bool wherever = trigger.at.empty() && trigger.every == 0 && !trigger.probability;
    return wherever || std::binary_search(trigger.at.begin(), trigger.at.end(), counted) ||
           (trigger.every != 0 && counted % trigger.every == 0) ||
           (trigger.probability && chance < *trigger.probability);
}

std::vector<FiredFault> Rules::fire(const CallFacts& call) {
    const std::lock_guard lock(mutex_);
    std::vector<FiredFault> fired;
    for (Rule& rule : rules_) {
        double chance = 0;
        if (comes(rule, call, chance)) {
            ++rule.fired;
            fired.push_back({rule.name, rule.trigger.moment, rule.what, mixed(seed_ + 1, rule.number, rule.calls),
                             rule.number});
        }
    }
    return fired;
}

void Rules::give_back(const std::vector<FiredFault>& faults) {
    const std::lock_guard lock(mutex_);
    for (const FiredFault& fault : faults) {
        const auto rule =
            std::find_if(rules_.begin(), rules_.end(), [&](const Rule& one) { return one.number == fault.rule; });
        // It may have been cleared meanwhile.
        if (rule != rules_.end()) {
            --rule->fired;
        }
    }
}

void Rules::forget_sessions() {
    const std::lock_guard lock(mutex_);
    for (Rule& rule : rules_) {
        rule.calls_of_session.clear();
    }
}

std::shared_ptr<const StandingFaults> Rules::standing() const {
    const std::lock_guard lock(mutex_);
    return standing_;
}

} // namespace pkcs11_fault
