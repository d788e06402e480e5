// SPDX-License-Identifier: BSD-2-Clause
#include <bench/measure.hpp>
#include <bench/serve.hpp>

#include <iostream>
#include <sstream>
#include <stdexcept>

namespace keyway::bench {

namespace {

std::string answer(Workshop& workshop, std::istringstream line) {
    std::string command;
    std::string way;
    line >> command >> way;
    if(command == "have") {
        static_cast<void>(workshop.way(way));
        return "yes";
    }
    std::string kind;
    std::size_t threads = 0;
    long microseconds = 0;
    if(command != "run" || !(line >> kind >> threads >> microseconds)) {
        throw std::runtime_error("not understood");
    }
    const auto measured = measure(workshop.signers(way, kind, threads), std::chrono::microseconds(microseconds));
    std::ostringstream text;
    text.precision(12);
    text << "done " << measured.signatures << ' ' << measured.per_second << ' ' << measured.cpu_seconds;
    return text.str();
}

}  // namespace

Way& Workshop::way(const std::string& name) {
    auto& way = ways_[name];
    if(!way) {
        way = open_way(name, place_);
    }
    return *way;
}

const std::vector<std::unique_ptr<Signer>>& Workshop::signers(const std::string& name,
                                                              const std::string& kind,
                                                              std::size_t threads) {
    auto& signers = signers_[name + ' ' + kind + ' ' + std::to_string(threads)];
    while(signers.size() < threads) {
        signers.push_back(way(name).signer(kind_of(kind)));
    }
    return signers;
}

void serve() {
    Workshop workshop(Place::of_environment());
    for(std::string line; std::getline(std::cin, line);) {
        std::string text;
        try {
            text = answer(workshop, std::istringstream(line));
        } catch(const Absent& reason) {
            text = std::string("absent ") + reason.what();
        } catch(const std::exception& failure) {
            text = std::string("error ") + failure.what();
        }
        std::cout << text << std::endl;
    }
}

}  // namespace keyway::bench
