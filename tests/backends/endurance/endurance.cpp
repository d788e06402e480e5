// SPDX-License-Identifier: BSD-2-Clause
#include "endurance.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/software_key_internal.hpp>

#include <backends/database/in_processes.hpp>
#include <support/temporary_folder.hpp>

#include <botan/pk_keys.h>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <optional>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace keyway::test {

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

bool is_alone(const KeyInfo& key) {
    return std::ranges::count(key.attributes, std::pair<std::string, std::string>("private-key", "missing")) > 0;
}

/// Removes what is left of keys that were not whole; whether all of it could be told from keys, and was removed.
bool remove_remains(const OpenedBackend& backend) {
    for(const auto& key : backend.listing().keys) {
        if(!is_alone(key)) {
            continue;
        }
        const auto error = backend.check(key.ref);
        if(!error || error->code() != Errc::key_not_found) {
            std::fprintf(stderr, "%s is half a key and passes the check\n", key.label.c_str());
            return false;
        }
        backend.remove(key.ref);
    }
    return std::ranges::none_of(backend.listing().keys, is_alone);
}

/// Whether every key in the store is whole and usable, and each of those that are to be there is, and the one it was.
bool all_is_well(const OpenedBackend& backend, const std::map<std::string, std::string>& wanted, std::size_t& found) {
    const auto listing = backend.listing();
    bool well = listing.faults.empty();
    for(const auto& fault : listing.faults) {
        std::fprintf(stderr, "%s\n", fault.message().c_str());
    }
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

/// Makes and stores keys without an end.
[[noreturn]] void make_keys(const EnduringStore& store, const OpenedBackend& backend, int file, const std::string& name) {
    for(int i = 0;; ++i) {
        const auto label = name + "-" + std::to_string(i);
        write_down(file,
                   i % 2 == 0 ? store.create(backend, label).ref
                              : backend.store(*generate_software_key(KeySpec::parse("p-256")), store.options(label)),
                   label);
    }
}

/// How long a new process needs for its first six keys: the moments of killing are spread over that time.
std::chrono::microseconds time_for_some_keys(const EnduringStore& store) {
    const auto start = Clock::now();
    const auto made = in_processes(1, [&](int) {
        const auto backend = store.open();
        for(int i = 0; i < 6; ++i) {
            static_cast<void>(store.create(backend, "first-" + std::to_string(i)));
        }
        return true;
    });
    REQUIRE(made == std::vector<int>{0});
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
}

/// The label that a killed process was at: its last answer's next. Whether its key is there or not, the label is not burnt.
void require_free_label(const EnduringStore& store, const OpenedBackend& backend, const std::map<std::string, std::string>& wanted, int round) {
    int next = 0;
    while(wanted.contains(std::to_string(round) + "-" + std::to_string(next))) {
        ++next;
    }
    const auto label = std::to_string(round) + "-" + std::to_string(next);
    for(const auto& key : backend.listing().keys) {
        if(key.label == label) {
            return;
        }
    }
    const auto made = store.create(backend, label);
    if(SpkiFingerprint::of(*backend.use(made.ref)) != made.ref.fingerprint()) {
        throw std::runtime_error(label + " is another key");
    }
    backend.remove(made.ref);
}

}  // namespace

void kill_in_the_middle(const EnduringStore& store, int rounds) {
    // Emptied after each batch: many keys make each one slower, and the moments of killing would come before the first.
    constexpr int batch = 50;
    std::optional<TemporaryFolder> notes(std::in_place);
    std::size_t answered = 0;
    const auto seed = std::random_device()();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::uniform_int_distribution<long long> moment(0, time_for_some_keys(store).count());
    for(int round = 0; round < rounds; ++round) {
        int ready[2] = {};
        REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
        const auto process = begin_process([&]() -> bool {
            const auto backend = store.open();
            static_cast<void>(backend.listing());
            if(::write(ready[1], "!", 1) != 1) {
                return false;
            }
            make_keys(store, backend, open_notes(notes->path(), round), std::to_string(round));
        });
        ::close(ready[1]);
        if(!store.opens_in_one) {
            pollfd waiting{.fd = ready[0], .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&waiting, 1, 30'000) == 1);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
        REQUIRE(::kill(process, SIGKILL) == 0);
        REQUIRE(end_of(process) == 128 + SIGKILL);
        ::close(ready[0]);
        if(round % batch == batch - 1 || round == rounds - 1) {
            const auto wanted = written(notes->path());
            const auto well = in_processes(1, [&](int) {
                const auto backend = store.open();
                const bool clean = store.leaves_no_remains || remove_remains(backend);
                std::size_t found = 0;
                const bool result = all_is_well(backend, wanted, found) && clean;
                require_free_label(store, backend, wanted, round);
                std::printf("%d kills: of the last %zu keys answered, %zu there, all whole: %s\n", round + 1, wanted.size(), found,
                            result ? "yes" : "no");
                std::fflush(stdout);
                for(const auto& key : backend.listing().keys) {
                    backend.remove(key.ref);
                }
                // Each process has at most one key under way, of which it could not tell; and there are the first six.
                return result && found <= wanted.size() + batch + 6;
            });
            REQUIRE(well == std::vector<int>{0});
            answered += wanted.size();
            notes.emplace();
        }
    }
    CHECK(answered >= static_cast<std::size_t>(rounds) / 4);  // else too little was going on
}

void kill_while_opening(const EnduringStore& store) {
    std::uniform_int_distribution<int> moment(0, 60'000);
    std::random_device random;
    const auto process = begin_process([&] {
        static_cast<void>(store.create(store.open(), "first"));
        return true;
    });
    std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
    ::kill(process, SIGKILL);
    static_cast<void>(end_of(process));
    const auto well = in_processes(1, [&](int) {
        const auto backend = store.open();
        const auto made = store.create(backend, "second");
        std::size_t found = 0;
        return all_is_well(backend, {{"second", made.ref.fingerprint().to_string()}}, found) && found <= 2;
    });
    CHECK(well == std::vector<int>{0});
}

namespace {

/// What one thread of one process does: own keys, of which every other one is removed, and names that all want.
void work(const EnduringStore& store, const OpenedBackend& backend, int file, const std::string& name, Clock::time_point end) {
    for(int i = 0; Clock::now() < end; ++i) {
        const auto own = name + "-" + std::to_string(i);
        const auto ref = store.create(backend, own).ref;
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
        if(!store.keeps_labels_unique) {
            continue;
        }
        const auto shared = "shared-" + std::to_string(i);
        try {
            write_down(file, store.create(backend, shared).ref, shared);
        } catch(const Error& error) {
            if(error.code() != Errc::already_exists) {
                throw;
            }
        }
    }
}

}  // namespace

void work_together(const EnduringStore& store, std::chrono::seconds how_long) {
    const TemporaryFolder notes;
    const auto end = Clock::now() + how_long;
    const auto statuses = in_processes(2, [&](int process) {
        const auto backend = store.open();
        const int file = open_notes(notes.path(), process);
        std::atomic<int> failed = 0;
        {
            std::vector<std::jthread> threads;
            for(int thread = 0; thread < 8; ++thread) {
                threads.emplace_back([&, thread] {
                    try {
                        work(store, backend, file, std::to_string(process) + "-" + std::to_string(thread), end);
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
    const auto well = in_processes(1, [&](int) {
        std::size_t found = 0;
        const bool result = all_is_well(store.open(), wanted, found);
        std::printf("two processes, 8 threads each, %lld s: %zu keys kept, %zu there, all whole: %s\n",
                    static_cast<long long>(how_long.count()), wanted.size(), found, result ? "yes" : "no");
        std::fflush(stdout);
        return result && found == wanted.size();
    });
    CHECK(well == std::vector<int>{0});
    CHECK(wanted.size() >= 16);
}

}  // namespace keyway::test
