// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan.hpp"

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pkcs11_fault {

/// What the rules need to know of a call.
struct CallFacts {
    Function function{};
    std::optional<std::uint64_t> session; ///< the nth that was opened
    bool asks_for_size = false;           ///< an output buffer is null: nothing is signed by this call
    std::optional<PinOwner> login;        ///< whose, when it is one
};

/// A fault that comes at a call now.
struct FiredFault {
    std::string name;
    Moment moment;
    CallFault what;
    double chance; ///< 0 to below 1, for a random delay: the same in each run with the same seed
    std::uint64_t rule;
};

using StandingFaults = std::vector<StandingFault>;

/// The newest fault of a kind among those that stand; null when there is none.
template <typename Kind>
[[nodiscard]] const Kind* newest(const StandingFaults& faults) {
    const Kind* found = nullptr;
    for (const StandingFault& fault : faults) {
        if (const Kind* one = std::get_if<Kind>(&fault)) {
            found = one;
        }
    }
    return found;
}

/// All faults in force: which of them come at a call, and which stand.
///
/// @threadsafety safe
class Rules {
public:
    Rules(std::uint64_t seed, const std::vector<Fault>& faults);

    enum class Origin { plan, control };
    void add(const std::vector<Fault>& faults, Origin origin);
    void clear(const std::string& name); ///< or "all"
    void clear(Origin origin);

    /// Counts the call, and says what comes at it, in the order in which the faults were added.
    [[nodiscard]] std::vector<FiredFault> fire(const CallFacts& call);

    /// Takes back that these came: the call was answered before it was their turn.
    void give_back(const std::vector<FiredFault>& faults);

    /// When the real module starts or ends, and the sessions' numbers begin anew.
    void forget_sessions();

    /// As they are now.
    [[nodiscard]] std::shared_ptr<const StandingFaults> standing() const;

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    struct Rule {
        std::string name;
        Trigger trigger;
        CallFault what;
        Origin origin;
        std::uint64_t number; // of the rule, so that two with one probability fail apart
        std::uint64_t calls = 0;
        std::map<std::uint64_t, std::uint64_t> calls_of_session = {};
        std::uint64_t fired = 0;
    };
    struct Standing {
        std::string name;
        StandingFault what;
        Origin origin;
    };
    void add_one(const Fault& fault, Origin origin);
    template <typename Unwanted>
    void remove(const Unwanted& unwanted);
    void list_standing();
    [[nodiscard]] bool comes(Rule& rule, const CallFacts& call, double& chance) const;

    mutable std::mutex mutex_;
    std::uint64_t seed_;
    std::uint64_t added_ = 0;
    std::list<Rule> rules_;
    std::vector<Standing> all_standing_;
    std::shared_ptr<const StandingFaults> standing_ = std::make_shared<StandingFaults>();
};

} // namespace pkcs11_fault
