// SPDX-License-Identifier: BSD-2-Clause
// Processes that are killed while they make keys, and processes that work on one database at once. The normal suite does
// it for seconds, the suite "long" for minutes ("[long]").
#include <keyway/core/error.hpp>
#include <keyway/key/software_key_internal.hpp>

#include <botan/pk_keys.h>

#include <backends/database/database_place.hpp>
#include <backends/database/in_processes.hpp>
#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::OpenedBackend;

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Labels and what they stand for, as processes have written them down: "label fingerprint" by line.
std::map<std::string, std::string> written(const fs::path& folder) {
    std::map<std::string, std::string> out;
    for(const auto& entry : fs::directory_iterator(folder)) {
        std::ifstream file(entry.path());
        std::string label;
        std::string fingerprint;
        while(file >> label >> fingerprint) {
            if(!out.emplace(label, fingerprint).second) {
                throw std::runtime_error("two have made " + label);
            }
        }
    }
    return out;
}

/// Writes one line, in one system call: whoever is killed has written it or not.
void write_down(int file, const KeyRef& ref, const std::string& label) {
    const auto line = label + " " + ref.fingerprint().to_string() + "\n";
    if(::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("cannot write down a key");
    }
}

int open_notes(const fs::path& folder, int number) {
    return ::open((folder / std::to_string(number)).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

OpenedBackend patient(const DatabasePlace& place) {
    auto settings = place.settings();
    settings["timeout"] = "120";
    return {database_backend(), settings, {{"PASS", "correct horse"}}};
}

/// Whether every key in the database is whole and usable, and each of those that are to be there is, and the one it was.
bool all_is_well(const DatabasePlace& place, const std::map<std::string, std::string>& wanted, std::size_t& found) {
    const auto backend = patient(place);
    const auto listing = backend.listing();
    bool well = listing.faults.empty();
    std::map<std::string, std::string> there;
    for(const auto& key : listing.keys) {
        there.emplace(key.label, key.ref.fingerprint().to_string());
        if(SpkiFingerprint::of(*backend.use(key.ref)) != key.ref.fingerprint()) {
            std::fprintf(stderr, "%s is another key\n", key.label.c_str());
            well = false;
        }
    }
    for(const auto& [label, fingerprint] : wanted) {
        if(there[label] != fingerprint) {
            std::fprintf(stderr, "%s is lost\n", label.c_str());
            well = false;
        }
    }
    found = listing.keys.size();
    return well;
}

/// How long a new process needs for a new database and six keys: the moments of killing are spread over that time.
std::chrono::microseconds time_for_some_keys() {
    const DatabasePlace place;
    const auto start = Clock::now();
    const auto made = test::in_processes(1, [&](int) {
        const auto backend = place.opened();
        for(int i = 0; i < 6; ++i) {
            static_cast<void>(backend.create("ed25519", {{"label", std::to_string(i)}}));
        }
        return true;
    });
    REQUIRE(made == std::vector<int>{0});
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
}

void kill_in_the_middle(int rounds) {
    const DatabasePlace place;
    const test::TemporaryFolder notes;
    const auto stored = generate_software_key(KeySpec::parse("p-256"));
    const auto seed = std::random_device()();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::uniform_int_distribution<long long> moment(0, time_for_some_keys().count());
    for(int round = 0; round < rounds; ++round) {
        const auto process = test::begin_process([&]() -> bool {
            const auto backend = place.opened();
            const int file = open_notes(notes.path(), round);
            for(int i = 0;; ++i) {
                const auto label = std::to_string(round) + "-" + std::to_string(i);
                write_down(file,
                           i % 2 == 0 ? backend.create("ed25519", {{"label", label}}).ref
                                      : backend.store(*stored, {{"label", label}}),
                           label);
            }
        });
        std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
        REQUIRE(::kill(process, SIGKILL) == 0);
        REQUIRE(test::end_of(process) == 128 + SIGKILL);
        if(round % 100 == 99 || round == rounds - 1) {
            const auto wanted = written(notes.path());
            const auto well = test::in_processes(1, [&](int) {
                std::size_t found = 0;
                const bool result = all_is_well(place, wanted, found);
                std::printf("%d kills: %zu keys answered, %zu there, all whole: %s\n", round + 1, wanted.size(), found,
                            result ? "yes" : "no");
                std::fflush(stdout);
                // Each process has at most one key under way, of which it could not tell.
                return result && found <= wanted.size() + static_cast<std::size_t>(round) + 1;
            });
            REQUIRE(well == std::vector<int>{0});
        }
    }
    CHECK(written(notes.path()).size() >= static_cast<std::size_t>(rounds) / 4);  // else too little was going on
}

/// What one thread of one process does: own keys, of which every other one is removed, and names that all want.
void work(const OpenedBackend& backend, int file, const std::string& name, Clock::time_point end) {
    for(int i = 0; Clock::now() < end; ++i) {
        const auto own = name + "-" + std::to_string(i);
        const auto ref = backend.create("ed25519", {{"label", own}}).ref;
        if(SpkiFingerprint::of(*backend.use(ref)) != ref.fingerprint()) {
            throw std::runtime_error(own + " is another key");
        }
        if(i % 2 == 0) {
            backend.remove(ref);
            const auto gone = backend.check(ref);
            if(!gone || gone->code() != Errc::key_not_found) {
                throw std::runtime_error(own + " was removed and is there");
            }
        } else {
            write_down(file, ref, own);
        }
        const auto shared = "shared-" + std::to_string(i);
        try {
            write_down(file, backend.create("ed25519", {{"label", shared}}).ref, shared);
        } catch(const Error& error) {
            if(error.code() != Errc::already_exists) {
                throw;
            }
        }
    }
}

void work_together(std::chrono::seconds how_long) {
    const DatabasePlace place;
    const test::TemporaryFolder notes;
    const auto end = Clock::now() + how_long;
    const auto statuses = test::in_processes(2, [&](int process) {
        const auto backend = patient(place);
        const int file = open_notes(notes.path(), process);
        std::atomic<int> failed = 0;
        {
            std::vector<std::jthread> threads;
            for(int thread = 0; thread < 8; ++thread) {
                threads.emplace_back([&, thread] {
                    try {
                        work(backend, file, std::to_string(process) + "-" + std::to_string(thread), end);
                    } catch(const std::exception& error) {
                        std::fprintf(stderr, "in a thread: %s\n", error.what());
                        ++failed;
                    }
                });
            }
        }
        return failed == 0;
    });
    CHECK(statuses == std::vector<int>{0, 0});
    const auto wanted = written(notes.path());
    const auto well = test::in_processes(1, [&](int) {
        std::size_t found = 0;
        const bool result = all_is_well(place, wanted, found);
        std::printf("two processes, 8 threads each, %lld s: %zu keys kept, %zu there, all whole: %s\n",
                    static_cast<long long>(how_long.count()), wanted.size(), found, result ? "yes" : "no");
        std::fflush(stdout);
        return result && found == wanted.size();
    });
    CHECK(well == std::vector<int>{0});
    CHECK(wanted.size() >= 16);
}

}  // namespace

TEST_CASE("a process killed while it makes keys leaves each whole or none of it") {
    kill_in_the_middle(30);
}

TEST_CASE("two processes with 8 threads each lose no key and get no wrong one") {
    work_together(std::chrono::seconds(3));
}

TEST_CASE("a thousand kills", "[.long]") {
    kill_in_the_middle(1000);
}

TEST_CASE("two processes for a minute", "[.long]") {
    work_together(std::chrono::seconds(60));
}
