// SPDX-License-Identifier: BSD-2-Clause
//
// The process that signs; bench.py starts one or several and tells them what to do. The token is the one of the test kit's
// variables (softhsm-fixture run).
#include <bench/measure.hpp>
#include <bench/probes.hpp>
#include <bench/serve.hpp>

#include <exception>
#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
    using namespace keyway::bench;
    std::signal(SIGPIPE, SIG_IGN);  // as services do
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        if(arguments.empty()) {
            serve();
            return 0;
        }
        if(arguments.size() == 4 && arguments[0] == "count") {
            Workshop workshop(Place::of_environment());
            sign_times(*workshop.signers(arguments[1], arguments[2], 1).front(), std::stoul(arguments[3]));
            return 0;
        }
        if(arguments.size() > 1 && arguments[0] == "probe") {
            probe({arguments.begin() + 1, arguments.end()});
            return 0;
        }
        std::cerr << "usage: bench-worker [count WAY KIND N | probe WHAT [ARGUMENT]]\n";
        return 2;
    } catch(const Absent& reason) {
        std::cout << "absent " << reason.what() << '\n';
        return 0;
    } catch(const std::exception& failure) {
        std::cerr << "bench-worker: error: " << failure.what() << '\n';
        return 1;
    }
}
