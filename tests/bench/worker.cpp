// SPDX-License-Identifier: BSD-2-Clause
//
// Signs in one of the ways that are compared, when it is told to on standard input; bench.py tells several of these in
// turn. The token is the one of the test kit's variables (softhsm-fixture run).
//
//   run WAY KIND THREADS MICROSECONDS  ->  signatures, signatures per second, processor seconds
//   have WAY                           ->  yes, or no and the reason
//
// An error ends the line: "error" and the message. With arguments instead: `worker count WAY KIND N` signs N times.
#include <bench/measure.hpp>

#include <botan/pubkey.h>

#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace keyway::bench {

namespace {

/// Ways and signers as they were made for the first round: opening is not what is measured.
class Workshop {
public:
    explicit Workshop(Place place) : place_(std::move(place)) {}

    Way& way(const std::string& name) {
        auto& way = ways_[name];
        if(!way) {
            way = open_way(name, place_);
        }
        return *way;
    }

    const std::vector<std::unique_ptr<Signer>>& signers(const std::string& name,
                                                        const std::string& kind,
                                                        std::size_t threads) {
        auto& signers = signers_[name + ' ' + kind + ' ' + std::to_string(threads)];
        while(signers.size() < threads) {
            signers.push_back(way(name).signer(kind_of(kind)));
        }
        return signers;
    }

private:
    Place place_;
    std::map<std::string, std::unique_ptr<Way>> ways_;
    std::map<std::string, std::vector<std::unique_ptr<Signer>>> signers_;
};

void answer(Workshop& workshop, std::istringstream line) {
    std::string command;
    std::string way;
    line >> command >> way;
    if(command == "have") {
        static_cast<void>(workshop.way(way));
        std::cout << "yes";
        return;
    }
    if(command != "run") {
        throw std::runtime_error("no such command: \"" + command + "\"");
    }
    std::string kind;
    std::size_t threads = 0;
    long microseconds = 0;
    if(!(line >> kind >> threads >> microseconds)) {
        throw std::runtime_error("run WAY KIND THREADS MICROSECONDS");
    }
    const auto done = measure(workshop.signers(way, kind, threads), std::chrono::microseconds(microseconds));
    std::cout << done.signatures << ' ' << done.per_second << ' ' << done.cpu_seconds;
}

int serve() {
    Workshop workshop(Place::of_environment());
    std::cout.precision(12);
    for(std::string line; std::getline(std::cin, line);) {
        try {
            answer(workshop, std::istringstream(line));
        } catch(const Absent& reason) {
            std::cout << "no " << reason.what();
        } catch(const std::exception& failure) {
            std::cout << "error " << failure.what();
        }
        std::cout << std::endl;
    }
    return 0;
}

int count(const std::string& way, const std::string& kind, const std::string& times) {
    Workshop workshop(Place::of_environment());
    sign_times(*workshop.signers(way, kind, 1).front(), std::stoul(times));
    return 0;
}

}  // namespace

}  // namespace keyway::bench

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        if(arguments.empty()) {
            return keyway::bench::serve();
        }
        if(arguments.size() == 4 && arguments[0] == "count") {
            return keyway::bench::count(arguments[1], arguments[2], arguments[3]);
        }
        std::cerr << "usage: bench-worker [count WAY KIND N]\n";
        return 2;
    } catch(const std::exception& failure) {
        std::cerr << "bench-worker: error: " << failure.what() << '\n';
        return 1;
    }
}
