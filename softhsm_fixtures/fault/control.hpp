// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "plan.hpp"

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include <cstdint>
#include <ctime>
#include <sys/stat.h>
#include <sys/types.h>

namespace pkcs11_fault {

/// The file through which a running module is steered: JSON lines that a test appends. Every call looks whether it has
/// grown, so that a call that starts after a line was written obeys it. A process reads the file from its beginning;
/// when it is emptied or replaced, what it had asked for is taken back.
///
/// @threadsafety safe
class Control {
public:
    /// Makes the file with mode 0600 when it is not there.
    ///
    /// @throws PlanError when it cannot be made
    explicit Control(const std::optional<std::string>& path);

    struct News {
        std::function<void(const Command&)> obey;
        std::function<void()> take_back;
        std::function<void(const std::string&)> refuse; ///< what is wrong with a line
        /// Counters are to be zero from the last line on that says so; the key is the same in each process that reads it.
        /// `anew`: the file was written anew since the last time.
        std::function<void(std::uint64_t key, bool anew)> reset;
    };

    /// Reads what is new, in order.
    void look(const News& news);

    [[nodiscard]] bool used() const noexcept { return path_.has_value(); }

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    struct Version {
        ino_t file;
        off_t size;
        time_t seconds;
        long nanoseconds;
        bool operator==(const Version&) const = default;
    };
    struct Content {
        Version version;
        std::string text;
    };
    [[nodiscard]] static Version version_of(const struct stat& status);
    [[nodiscard]] static bool is_young(const Version& version);
    [[nodiscard]] std::optional<Content> read() const;
    void obey_new_lines(const std::string& text, const News& news);
    /// Whether the line asks for a reset, which is for the last of several.
    [[nodiscard]] static bool obey_line(const std::string& line, const News& news);

    std::optional<std::string> path_;
    std::mutex mutex_;
    Version version_{};
    bool may_change_unseen_ = false; // its time may stay as it is when it is written once more
    bool written_anew_ = false;      // since the last reset
    std::string obeyed_;             // whole lines
};

} // namespace pkcs11_fault
