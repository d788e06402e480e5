// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "functions.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace pkcs11_fault {

/// How often each function was called: one record of 64 bytes for each, in memory or in a file that all processes which
/// name it share. The file needs no more description than this struct: in Python, `struct.iter_unpack("40s3Q", data)`.
struct Counter {
    std::array<char, 40> name; ///< padded with zero bytes
    std::atomic<std::uint64_t> calls;
    std::atomic<std::uint64_t> failed;   ///< with an answer other than CKR_OK, from the token or by a fault
    std::atomic<std::uint64_t> injected; ///< calls at which a fault came
};
static_assert(sizeof(Counter) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

/// A record for each function, and one named "(reset)" behind them: `calls` counts the resets, `failed` is the key of the
/// last one.
using CounterTable = std::array<Counter, function_count + 1>;

/// The counters of this process, or those in a file.
///
/// @threadsafety safe
class Counters {
public:
    /// Makes the file with mode 0600 when it is not there.
    ///
    /// @throws PlanError when it cannot be made, or is something else
    explicit Counters(const std::optional<std::string>& path);

    [[nodiscard]] Counter& of(Function function) const noexcept { return (*table_)[index_of(function)]; }

    /// Sets all to zero, unless that was done for the same key already: of the processes that share a file and read the
    /// same line, one does it. `anew`: the line of that key was written once more, so that it is done once more, by the
    /// first process that finds it.
    void reset(std::uint64_t key, bool anew) noexcept;

private:
    CounterTable* table_; // for as long as the process lives
    std::atomic<std::uint64_t> resets_; // that there were when this process last had to do with one
};

} // namespace pkcs11_fault
