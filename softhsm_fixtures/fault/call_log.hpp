// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "functions.hpp"

#include <p11-kit/pkcs11.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pkcs11_fault {

/// What is written of a call. There is no member for PINs, data or keys, so that none can get in.
struct LoggedCall {
    Function function{};
    std::optional<CK_SESSION_HANDLE> session;
    std::optional<CK_SLOT_ID> slot;
    std::optional<CK_MECHANISM_TYPE> mechanism;
    std::optional<CK_OBJECT_HANDLE> object;
    CK_RV value = CKR_OK;
    std::chrono::nanoseconds took{};
    std::vector<std::string> faults; ///< that came at it
};

/// A file of JSON lines, one for each call, in the order in which the calls ended. Several processes may share it.
///
/// @threadsafety safe
class CallLog {
public:
    /// Appends to the file, or makes it with mode 0600.
    ///
    /// @throws PlanError when that fails
    explicit CallLog(const std::string& path);

    void write(const LoggedCall& call) const;

    /// Something that is not a call: `event` and a text.
    void note(std::string_view event, std::string_view text) const;

    /// Closes the file; what comes later is written nowhere.
    void close();

    /// @name For pthread_atfork
    /// @{
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// @}

private:
    void write_line(std::string_view line) const;

    mutable std::mutex mutex_;
    mutable bool cut_ = false;  // the last line is there in part
    mutable bool told_ = false; // that lines are missing
    int file_;
};

} // namespace pkcs11_fault
