// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/token_internal.hpp>

#include <condition_variable>
#include <map>

namespace keyway::pkcs11 {

/// All of a token that belongs to one process: locks, sessions, what is known of its absence.
///
/// Lock order: a Module::Use, then `keeping`; `mutex` and the pool's own are held shortly and inside of all others.
struct Token::State {
    State(const std::shared_ptr<Module>& module, CK_SLOT_ID slot_id, const PoolLimits& limits)
        : slot(slot_id), pool(module, slot_id, limits) {}

    std::atomic<CK_SLOT_ID> slot;
    SessionPool pool;

    /// Held while the login is looked at or renewed, and while its session is used.
    TimedMutex keeping;
    /// Stays open so that the login lasts: it ends with the last session of the process. Copies of keys belong to it.
    std::unique_ptr<Session> keeper;

    std::array<TimedMutex, 16> finding;

    // While the token is away: one thread leads, which looks for it; the others wait for what it finds.
    std::mutex mutex;
    std::condition_variable changed;
    bool led = false;
    Deadline::Clock::time_point next_look{};
    Milliseconds pause{0};
    Deadline::Clock::time_point away_since{};
    int looks = 0;
    bool listed_in_vain = false;  // the module lists the token and does not give a session or login; of the one who looks

    std::mutex failures_mutex;
    std::map<std::string, std::uint64_t> failures;
};

}  // namespace keyway::pkcs11
