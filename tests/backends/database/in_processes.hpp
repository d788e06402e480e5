// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstdio>
#include <exception>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace keyway::test {

/// Begins a process that comes of a fork and does some work.
/// @param work whether it went well; what it throws is printed, and is a failure
template <typename Work>
pid_t begin_process(const Work& work) {
    const auto process = ::fork();
    if(process == 0) {
        int status = 1;
        try {
            status = work() ? 0 : 1;
        } catch(const std::exception& error) {
            std::fprintf(stderr, "in a process: %s\n", error.what());
        }
        ::_exit(status);
    }
    return process;
}

/// The status of a process that has ended; 128 and the signal where a signal ended it.
inline int end_of(pid_t process) {
    int status = 0;
    ::waitpid(process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Does work in several processes at once.
/// @param work is given the number of its process, from 0
/// @return the status of each: 0 where work answered true
template <typename Work>
std::vector<int> in_processes(int number, const Work& work) {
    std::vector<pid_t> processes;
    for(int i = 0; i < number; ++i) {
        processes.push_back(begin_process([&] { return work(i); }));
    }
    std::vector<int> statuses;
    for(const auto process : processes) {
        statuses.push_back(end_of(process));
    }
    return statuses;
}

}  // namespace keyway::test
