// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace keyway::test {

/// What a process left behind.
struct ProcessResult {
    int status = 0;   ///< its exit status; 128 and the signal where a signal ended it, as shells count
    std::string out;  ///< its standard output
    std::string err;  ///< its standard error

    bool operator==(const ProcessResult&) const = default;
};

/// How to start a process, beyond its arguments.
struct ProcessSetting {
    std::string input{};                               ///< its standard input
    std::map<std::string, std::string> environment{};  ///< added to, or replacing parts of, our own
    std::filesystem::path folder{};                    ///< its working folder; ours where empty
};

/// Runs a program, found by PATH, and waits for its end; no shell is involved.
/// @throws std::system_error when it cannot be started
[[nodiscard]] ProcessResult run(const std::vector<std::string>& arguments,
                                const ProcessSetting& setting = {});

}  // namespace keyway::test
