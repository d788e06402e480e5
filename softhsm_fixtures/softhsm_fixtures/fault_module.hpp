// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/export.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace softhsm_fixtures {

/// How a fault module is set up.
struct FaultOptions {
    std::optional<std::string> plan = std::nullopt;    ///< JSON, as in faults.md; nothing fails by default
    std::optional<std::string> profile = std::nullopt; ///< a profile that comes with the kit
    bool old_interface = false; ///< a library without C_GetInterface, as before PKCS#11 3.0
};

/// `libpkcs11-fault.so` before another module: it passes all calls on, counts and logs them, and fails when it is told to.
///
/// As long as the object lives, the PKCS11_FAULT_* variables of this process describe it. Initialise path() after it is
/// made, finalise before it goes; one that is initialised anew obeys the variables of then. Processes that are started
/// meanwhile and load path() share the counters, the log and what is injected.
///
/// @threadsafety one thread at a time makes and destroys it, as it changes the environment; the rest is safe
class SOFTHSM_FIXTURES_API FaultModule {
public:
    /// @throws InvalidOption when the plan or the profile cannot be used; the message lists what is known
    /// @throws FixtureError when the library is not found, or the folder cannot be made
    explicit FaultModule(const std::filesystem::path& real_module, const FaultOptions& options = {});
    ~FaultModule();

    FaultModule(const FaultModule&) = delete;
    FaultModule& operator=(const FaultModule&) = delete;

    /// The PKCS#11 module to load.
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Appends a line to the control file: a fault, as in `{"fault": "session-lost", "sessions": "all"}`, or another of
    /// the commands in faults.md. Every call that starts from now on obeys.
    ///
    /// @throws InvalidOption when the line is not understood; nothing was appended
    void inject(std::string_view line);

    /// Takes back everything that was injected; what a fault has done already stays done.
    void clear();

    /// How often a function was called, with faults or without, by all processes.
    ///
    /// @throws InvalidOption when there is no such function in PKCS#11
    [[nodiscard]] std::uint64_t calls(std::string_view function) const;

    /// Of these, how many did not answer CKR_OK.
    [[nodiscard]] std::uint64_t failed_calls(std::string_view function) const;

    void reset_counters();

    /// The lines of the call log, each a JSON object.
    [[nodiscard]] std::vector<std::string> log() const;

    [[nodiscard]] std::filesystem::path control_path() const { return folder_.path() / "control"; }
    [[nodiscard]] std::filesystem::path counters_path() const { return folder_.path() / "counters"; }
    [[nodiscard]] std::filesystem::path log_path() const { return folder_.path() / "calls.jsonl"; }

private:
    [[nodiscard]] std::uint64_t counter(std::string_view function, std::size_t which) const;

    std::filesystem::path path_;
    TemporaryFolder folder_;
    std::vector<std::pair<std::string, std::optional<std::string>>> before_; // variables
    std::vector<std::uint64_t> zero_; // counters when they were reset
};

/// Finds `libpkcs11-fault.so`, or the library without C_GetInterface.
///
/// The environment variable SOFTHSM_FIXTURES_FAULT_MODULE names it where it is neither installed nor in a build folder.
///
/// @throws FixtureError when there is none
[[nodiscard]] SOFTHSM_FIXTURES_API std::filesystem::path find_fault_module(bool old_interface = false);

} // namespace softhsm_fixtures
