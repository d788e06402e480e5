// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/watchdog_internal.hpp>

#include <sys/socket.h>

namespace keyway::database {

class Watchdog::Guard final : public Watch {
public:
    Guard(Watchdog& dog, std::list<Watched>::iterator place) : dog_(dog), place_(place) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() override {
        const std::lock_guard lock(dog_.mutex_);
        dog_.watched_.erase(place_);
    }

    bool expired() const noexcept override {
        const std::lock_guard lock(dog_.mutex_);
        return place_->expired;
    }

private:
    Watchdog& dog_;
    std::list<Watched>::iterator place_;
};

Watchdog::Watchdog(std::chrono::milliseconds patience) : patience_(patience) {}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_one();
    if(thread_.joinable()) {
        thread_.join();
    }
}

std::unique_ptr<Watch> Watchdog::watch(int socket) {
    bool wake = false;
    auto guard = [&] {
        const std::lock_guard lock(mutex_);
        if(!thread_.joinable()) {
            thread_ = std::thread([this] { run(); });
        }
        const auto place = watched_.insert(
            watched_.end(), {socket, std::chrono::steady_clock::now() + patience_, false});
        wake = asleep_;
        return std::make_unique<Guard>(*this, place);
    }();
    if(wake) {
        changed_.notify_one();
    }
    return guard;
}

void Watchdog::run() {
    std::unique_lock lock(mutex_);
    while(!ending_) {
        const auto now = std::chrono::steady_clock::now();
        auto next = now + patience_;
        for(auto& each : watched_) {
            if(each.until <= now) {
                if(!each.expired) {
                    each.expired = true;
                    // Who waits for an answer then finds the connection at its end.
                    ::shutdown(each.socket, SHUT_RDWR);
                }
            } else {
                next = each.until;  // the list is by time
                break;
            }
        }
        // All have the same patience, so no later watch ends before this moment: nobody has to wake this thread while
        // work is going on, which would cost more than the work.
        asleep_ = watched_.empty();
        if(asleep_) {
            changed_.wait(lock);
        } else {
            changed_.wait_until(lock, next);
        }
    }
}

}  // namespace keyway::database
