// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/clock.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/key/key_use.hpp>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

namespace keyway::cli {

/// One use of a key by the command, as its record has it. Never a secret, nor what was signed.
struct AuditEntry {
    std::string operation{};  ///< "create", "sign-certificate"; docs/formats.md has them all
    std::string backend{};    ///< the alias
    std::string label{};    ///< that a key was asked for by; or of a new one, which has no reference before it is made
    std::optional<KeyRef> ref{};
    std::string object{};   ///< what came of it: a certificate's serial number, a list's number
};

/// The audit record: a file to which a line is added for each use of a key, before its result is handed out.
/// @threadsafety safe
class Audit {
public:
    enum class Mode {
        write,
        when_used,  ///< made with its first line
        look        ///< only whether it could be written; nothing is made
    };

    /// @throws Errc::storage_failed when it cannot be opened, and added to, or is no file; Errc::permissions_insecure when it is
    ///         another user's, or open to others
    /// @param wait for the lines of other processes
    Audit(std::filesystem::path file, Mode mode, std::chrono::milliseconds wait = std::chrono::seconds(10));
    Audit(const Audit&) = delete;
    Audit& operator=(const Audit&) = delete;
    ~Audit();

    /// What is told of the entry's key from now on belongs to it.
    void begin(const AuditEntry& entry);

    /// Writes the entry down, durably.
    /// @param error what the use came to, when it failed
    /// @throws Errc::storage_failed; the record is then as it was
    void end(const AuditEntry& entry, const Error* error);

    /// Told of each use of a key: those of the key of the entry that was begun belong to it, others get a line of
    /// their own.
    /// @throws Errc::storage_failed
    void observe(const KeyUse& use);

private:
    void add(const std::string& line);
    /// @return 0, or what went wrong
    [[nodiscard]] int add_locked(std::string line) const;

    std::filesystem::path file_;
    Mode mode_;
    std::chrono::milliseconds wait_;
    int fd_;
    std::mutex mutex_;
    std::optional<AuditEntry> current_;
    int failures_ = 0;
    bool repeated_ = false;
};

}  // namespace keyway::cli
