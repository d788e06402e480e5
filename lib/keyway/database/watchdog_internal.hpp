// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/connection_internal.hpp>

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace keyway::database {

/// Cuts off sockets on which somebody has waited too long: the driver itself waits for ever for the answer of a server that
/// is stopped or unreachable. One thread, begun with the first watch.
/// @threadsafety safe
class Watchdog {
public:
    explicit Watchdog(std::chrono::milliseconds patience);
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog();

    /// Watches a socket, which stays open until what is returned has gone.
    [[nodiscard]] std::unique_ptr<Watch> watch(int socket);

private:
    using Moment = std::chrono::steady_clock::time_point;
    struct Watched {
        int socket;
        Moment until;
        bool expired;
    };
    class Guard;

    void run();

    const std::chrono::milliseconds patience_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Watched> watched_;  ///< by time
    bool asleep_ = false;         ///< the thread waits without a limit, and has to be woken
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace keyway::database
