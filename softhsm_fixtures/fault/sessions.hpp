// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <p11-kit/pkcs11.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace pkcs11_fault {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A session that a program has opened through this module.
struct SessionState {
    CK_SLOT_ID slot = 0;       ///< as the real module numbers it
    std::uint64_t ordinal = 0; ///< the nth opened since the module was initialised, from 1
    SteadyTime last_used{};
    bool busy = false; ///< inside the real module; the standard allows one call at a time
};

/// Which sessions are open.
///
/// @threadsafety safe
class Sessions {
public:
    /// Whether one more may be opened, so that there are no more than `most`, also when several threads open one; then
    /// opened() or not_opened() has to follow.
    [[nodiscard]] bool begin_opening(CK_SLOT_ID slot, std::optional<std::uint64_t> most);
    void opened(CK_SESSION_HANDLE handle, CK_SLOT_ID slot);
    void not_opened(CK_SLOT_ID slot);
    void closed(CK_SESSION_HANDLE handle);

    /// Forgets the sessions of a slot, or all; they are the caller's to close.
    std::vector<CK_SESSION_HANDLE> take(std::optional<CK_SLOT_ID> slot);

    /// Forgets the sessions of a slot that were last used before `limit` and are not in use.
    std::vector<CK_SESSION_HANDLE> take_idle(CK_SLOT_ID slot, SteadyTime limit);

    /// Notes that a call with the session begins or ends, and says which it is; nothing when it is not open.
    std::optional<SessionState> begin(CK_SESSION_HANDLE handle);
    void end(CK_SESSION_HANDLE handle);

    [[nodiscard]] std::optional<SessionState> find(CK_SESSION_HANDLE handle) const;
    [[nodiscard]] std::optional<CK_SESSION_HANDLE> any_of(CK_SLOT_ID slot) const;
    [[nodiscard]] std::size_t count(CK_SLOT_ID slot) const;
    [[nodiscard]] std::vector<CK_SLOT_ID> slots() const;

    /// After C_Finalize, or in a forked child.
    void forget_all();

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    void end_opening(CK_SLOT_ID slot);
    [[nodiscard]] std::size_t count_open(CK_SLOT_ID slot) const;

    mutable std::mutex mutex_;
    std::map<CK_SESSION_HANDLE, SessionState> open_;
    std::map<CK_SLOT_ID, std::size_t> opening_;
    std::uint64_t opened_ = 0;
};

} // namespace pkcs11_fault
