// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "call_log.hpp"
#include "control.hpp"
#include "counters.hpp"
#include "device.hpp"
#include "gate.hpp"
#include "objects.hpp"
#include "plan.hpp"
#include "real_module.hpp"
#include "rules.hpp"
#include "sessions.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace pkcs11_fault {

/// One call on its way through the module. Handles and slots are those that the program gave until translated.
struct Call {
    Function function{};
    std::optional<CK_SESSION_HANDLE> session;
    std::optional<CK_SLOT_ID> slot; ///< as the real module numbers it; also that of the session
    std::optional<CK_MECHANISM_TYPE> mechanism;
    std::optional<CK_OBJECT_HANDLE> object;
    std::optional<ObjectHandle> real_object; ///< of `object`
    bool asks_for_size = false;
    std::optional<CK_ULONG> data_size; ///< of calls that take data to sign, encrypt, digest or verify
    std::optional<PinOwner> pin_owner; ///< of calls that log in or change a PIN
    bool makes_token_object = false;
    std::vector<FiredFault> fired;
    std::shared_ptr<const StandingFaults> standing; ///< never null

    template <typename Kind>
    [[nodiscard]] const Kind* newest_fault() const {
        return newest<Kind>(*standing);
    }
};

/// Everything there is of this module in a process: made by the first C_GetFunctionList and never destroyed, as programs
/// call PKCS#11 modules even when they exit.
///
/// @threadsafety safe
class Runtime {
public:
    /// @throws PlanError when the plan cannot be used; then the real module is not initialised
    explicit Runtime(Plan plan);

    Plan plan;
    RealModule real;
    Counters counters;
    std::optional<CallLog> log;
    Control control;
    Rules rules;
    Gate gate;
    Sessions sessions;
    ObjectHandles objects;
    Devices devices;
    PinCounts pins;
    std::atomic<bool> initialised = false;
    std::atomic<bool> was_finalised = false; ///< once
    std::atomic<bool> forked = false;        ///< this is a child that has not called C_Initialize yet

    /// Whether calls have to be looked at: false when there is nothing to do but count.
    [[nodiscard]] bool watches() const noexcept { return watches_; }

    /// Does what comes before the real call; a value is the call's answer, and the real call must not run.
    [[nodiscard]] std::optional<CK_RV> before(Call& call);

    /// Does what comes when the real call has answered `value`; the program's answer.
    [[nodiscard]] CK_RV after(const Call& call, CK_RV value);

    /// Obeys what was appended to the control file since the last look.
    void look_at_control();

    /// Closes sessions for good, while no call is in the real module.
    void close(const std::vector<CK_SESSION_HANDLE>& lost);

    /// Whether a PIN is locked on the token that the call is for.
    [[nodiscard]] bool is_locked(const Call& call, PinOwner owner) const;

    /// When the real module starts or ends, its numbers of sessions and objects begin anew.
    void forget_handles();

    void hold_for_fork();
    void release_after_fork(bool in_child);

    /// Ends the operation that a call which is not made would have ended, as a token does when it fails.
    void end_operation(const Call& call);

private:
    /// What the call answers without the real one, and how many of the faults at it had their turn.
    [[nodiscard]] std::optional<CK_RV> answer_before(Call& call, std::size_t& tried);
    [[nodiscard]] std::optional<CK_RV> apply(const CallFault& fault, double chance, Call& call);
    [[nodiscard]] std::optional<CK_RV> lose_sessions(const SessionLost& lost, const Call& call);
    [[nodiscard]] std::optional<CK_RV> remove_device(const DeviceRemoved& removed, const Call& call);
    void log_out(const Call& call);
    void renumber_handles(const HandlesRenumbered& renumbered, const Call& call);
    void settle_swaps(CK_SLOT_ID slot);
    void hang(const Hang& hang);
    [[nodiscard]] bool ends_idle_sessions(const Call& call);
    [[nodiscard]] std::optional<CK_RV> standing_answer(const Call& call);
    [[nodiscard]] std::vector<CK_SLOT_ID> slots_of(const Call& call);

    bool watches_;
    std::atomic<std::uint64_t> releases_ = 0; // of hanging calls
    std::mutex swaps_mutex_; // never held while the gate is waited for: C_Finalize takes it inside
    std::uint64_t swaps_ = 0;
    std::map<std::uint64_t, KeySwapped> open_swaps_;    // whose keys were not seen yet
    std::map<std::uint64_t, KeySwapped> settled_swaps_; // whose were
    std::atomic<bool> swaps_open_ = false;
};

/// Whether one of the faults hides the mechanism.
[[nodiscard]] bool is_hidden(const StandingFaults& faults, CK_MECHANISM_TYPE type);

/// The one that is in force, or null before the first renew_runtime().
[[nodiscard]] Runtime* runtime() noexcept;

/// Reads the environment, and takes another Runtime when it has changed. Only while the real module is not initialised.
///
/// @throws PlanError as Runtime; what was in force stays
void renew_runtime();

} // namespace pkcs11_fault
