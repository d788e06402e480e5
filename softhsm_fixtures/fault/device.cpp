// SPDX-License-Identifier: BSD-2-Clause
#include "device.hpp"

#include "time.hpp"

namespace pkcs11_fault {

namespace {

// A prime that is none of the distances between slots which modules use.
constexpr CK_SLOT_ID slot_step = 7919;

} // namespace

void Devices::removed(CK_SLOT_ID slot, std::optional<double> milliseconds, CK_RV value,
                      const std::vector<CK_SESSION_HANDLE>& sessions) {
    const std::lock_guard lock(mutex_);
    Away away{std::nullopt, value};
    if (milliseconds) {
        away.until = std::chrono::steady_clock::now() + as_duration(*milliseconds);
    }
    away_[slot] = away;
    for (const CK_SESSION_HANDLE session : sessions) {
        sessions_[session] = slot;
    }
    events_.push_back(slot);
}

void Devices::inserted() {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : away_) {
        events_.push_back(entry.first);
    }
    away_.clear();
    sessions_.clear();
}

void Devices::bring_back_due() {
    if (away_.empty()) {
        return;
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    std::erase_if(away_, [&](const auto& entry) {
        const bool due = entry.second.until && *entry.second.until <= now;
        if (due) {
            events_.push_back(entry.first);
            std::erase_if(sessions_, [&](const auto& session) { return session.second == entry.first; });
        }
        return due;
    });
}

bool Devices::is_away(CK_SLOT_ID slot) {
    const std::lock_guard lock(mutex_);
    bring_back_due();
    return away_.contains(slot);
}

std::optional<CK_RV> Devices::answer(CK_SESSION_HANDLE session) {
    const std::lock_guard lock(mutex_);
    bring_back_due();
    const auto found = sessions_.find(session);
    return found == sessions_.end() ? std::nullopt : std::optional(away_.at(found->second).value);
}

void Devices::forget_sessions() {
    const std::lock_guard lock(mutex_);
    sessions_.clear();
}

std::optional<CK_SLOT_ID> Devices::next_event() {
    const std::lock_guard lock(mutex_);
    bring_back_due();
    if (events_.empty()) {
        return std::nullopt;
    }
    const CK_SLOT_ID slot = events_.front();
    events_.pop_front();
    return slot;
}

void Devices::renumber_slots() {
    const std::lock_guard lock(mutex_);
    shift_ += slot_step;
}

CK_SLOT_ID Devices::seen(CK_SLOT_ID real) const {
    const std::lock_guard lock(mutex_);
    return real + shift_;
}

CK_SLOT_ID Devices::real(CK_SLOT_ID seen) const {
    const std::lock_guard lock(mutex_);
    return seen - shift_;
}

void PinCounts::failed(CK_SLOT_ID slot, PinOwner owner) {
    const std::lock_guard lock(mutex_);
    ++failures_[{slot, owner}];
}

void PinCounts::succeeded(CK_SLOT_ID slot, PinOwner owner) {
    const std::lock_guard lock(mutex_);
    failures_.erase({slot, owner});
}

std::uint64_t PinCounts::failures(CK_SLOT_ID slot, PinOwner owner) const {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find({slot, owner});
    return found == failures_.end() ? 0 : found->second;
}

} // namespace pkcs11_fault
