// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan.hpp"
#include "sessions.hpp"

#include <p11-kit/pkcs11.h>

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace pkcs11_fault {

/// Which tokens are away for now, and what numbers slots have.
///
/// @threadsafety safe
class Devices {
public:
    /// Takes a token away, for `milliseconds` or until inserted() is called. Calls with its sessions answer `value`
    /// while it is away.
    void removed(CK_SLOT_ID slot, std::optional<double> milliseconds, CK_RV value,
                 const std::vector<CK_SESSION_HANDLE>& sessions);

    /// Brings all back.
    void inserted();

    [[nodiscard]] bool is_away(CK_SLOT_ID slot);

    /// What a call with a session that went with its token answers; nothing for other sessions, or when it is back.
    [[nodiscard]] std::optional<CK_RV> answer(CK_SESSION_HANDLE session);

    /// After C_Initialize or C_Finalize, when the numbers of sessions begin anew.
    void forget_sessions();

    /// A slot whose token went or came back since the last call, as C_WaitForSlotEvent tells it.
    [[nodiscard]] std::optional<CK_SLOT_ID> next_event();

    void renumber_slots();
    [[nodiscard]] CK_SLOT_ID seen(CK_SLOT_ID real) const;
    [[nodiscard]] CK_SLOT_ID real(CK_SLOT_ID seen) const;

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    struct Away {
        std::optional<SteadyTime> until;
        CK_RV value;
    };
    void bring_back_due();

    mutable std::mutex mutex_;
    std::map<CK_SLOT_ID, Away> away_;
    std::map<CK_SESSION_HANDLE, CK_SLOT_ID> sessions_;
    std::deque<CK_SLOT_ID> events_;
    CK_SLOT_ID shift_ = 0;
};

/// What tokens that count wrong PINs know.
///
/// @threadsafety safe
class PinCounts {
public:
    void failed(CK_SLOT_ID slot, PinOwner owner);
    void succeeded(CK_SLOT_ID slot, PinOwner owner);
    [[nodiscard]] std::uint64_t failures(CK_SLOT_ID slot, PinOwner owner) const;

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    mutable std::mutex mutex_;
    std::map<std::pair<CK_SLOT_ID, PinOwner>, std::uint64_t> failures_;
};

} // namespace pkcs11_fault
