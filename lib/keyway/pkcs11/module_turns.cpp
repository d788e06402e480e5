// SPDX-License-Identifier: BSD-2-Clause
// What has to be done one at a time in a module that does not lock it itself.
#include <keyway/pkcs11/module_locks_internal.hpp>

#include <new>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Clock = Deadline::Clock;

/// For how long a turn to open a session is waited for; one who has it for longer hangs.
constexpr Milliseconds for_a_session{10'000};
/// And to close one, which others can do as well.
constexpr Milliseconds for_an_old_session{50};

/// For a key to be made, or keys to be found, by others. Making an RSA key takes longer; that it ends just while keys are listed is
/// seldom enough.
constexpr Milliseconds for_the_other_objects{400};

TwoRooms::Room room_of(Module::ObjectWork work) noexcept {
    return work == Module::ObjectWork::looking ? TwoRooms::Room::first : TwoRooms::Room::second;
}

}  // namespace

Module::SessionTurn Module::session_turn(const Deadline& deadline) const {
    SessionTurn turn;
    if(!sessions_apart_.load(std::memory_order_relaxed)) {
        return turn;
    }
    turn.lock_ = std::unique_lock(locks_->sessions, deadline.at_latest(Clock::now() + for_a_session));
    if(turn.granted()) {
        const auto left = [&] {
            const std::lock_guard lock(locks_->left_mutex);
            return std::exchange(locks_->left, {});
        }();
        for(const auto& one : left) {
            if(one.generation == generation()) {
                calls_->C_CloseSession(one.session);
            }
        }
    }
    return turn;
}

Module::ObjectsTurn::ObjectsTurn(const Module& module, ObjectWork work)
    : locks_(module.objects_apart_.load(std::memory_order_relaxed) ? module.locks_ : nullptr), work_(work) {
    if(locks_ != nullptr) {
        locks_->objects.enter(room_of(work_), Clock::now() + for_the_other_objects);
    }
}

Module::ObjectsTurn::~ObjectsTurn() {
    if(locks_ != nullptr) {
        locks_->objects.leave(room_of(work_));
    }
}

void Module::close_session(CK_SESSION_HANDLE session) const noexcept {
    const Clock::time_point left_at{Clock::duration(locks_->left_at.load(std::memory_order_relaxed))};
    const auto patience = Clock::now() - left_at < left_for ? Milliseconds(0) : for_an_old_session;
    if(const auto turn = session_turn(Deadline(patience)); turn.granted()) {
        calls_->C_CloseSession(session);
        return;
    }
    locks_->left_at.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    try {
        const std::lock_guard lock(locks_->left_mutex);
        locks_->left.push_back({session, generation()});
    } catch(const std::bad_alloc&) {
        // A session that stays open is the lesser evil.
    }
}

}  // namespace keyway::pkcs11
