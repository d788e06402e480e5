// SPDX-License-Identifier: BSD-2-Clause
#include <bench/measure.hpp>

#include <time.h>

#include <atomic>
#include <exception>
#include <latch>
#include <thread>

namespace keyway::bench {

namespace {

struct Share {
    std::size_t signatures = 0;
    double seconds = 0;
    std::exception_ptr failure;
};

}  // namespace

double process_cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Measured measure(const std::vector<std::unique_ptr<Signer>>& signers, std::chrono::microseconds time) {
    using Clock = std::chrono::steady_clock;
    std::vector<Share> shares(signers.size());
    std::latch ready(static_cast<std::ptrdiff_t>(signers.size() + 1));
    std::latch go(1);
    std::vector<std::thread> threads;
    for(std::size_t i = 0; i < signers.size(); ++i) {
        threads.emplace_back([&, i] {
            std::vector<std::uint8_t> out;
            try {
                signers[i]->sign(out);
            } catch(...) {
                shares[i].failure = std::current_exception();
            }
            ready.count_down();
            go.wait();
            if(shares[i].failure) {
                return;
            }
            try {
                const auto start = Clock::now();
                const auto end = start + time;
                std::size_t count = 0;
                auto now = start;
                while(now < end) {
                    signers[i]->sign(out);
                    ++count;
                    now = Clock::now();
                }
                shares[i].signatures = count;
                shares[i].seconds = std::chrono::duration<double>(now - start).count();
            } catch(...) {
                shares[i].failure = std::current_exception();
            }
        });
    }
    ready.arrive_and_wait();
    const auto cpu_before = process_cpu_seconds();
    go.count_down();
    for(auto& thread : threads) {
        thread.join();
    }
    Measured out;
    out.cpu_seconds = process_cpu_seconds() - cpu_before;
    for(const auto& share : shares) {
        if(share.failure) {
            std::rethrow_exception(share.failure);
        }
        out.signatures += share.signatures;
        out.per_second += static_cast<double>(share.signatures) / share.seconds;
    }
    return out;
}

void sign_times(Signer& signer, std::size_t times) {
    std::vector<std::uint8_t> out;
    for(std::size_t i = 0; i < times; ++i) {
        signer.sign(out);
    }
}

}  // namespace keyway::bench
