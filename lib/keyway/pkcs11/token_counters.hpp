// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace keyway::pkcs11 {

/// Whether a token is thought to be there.
enum class Circuit {
    closed,   ///< it is, or nothing is known to the contrary
    open,     ///< it went away: one thread looks for it now and then, and the others wait for that one
    probing,  ///< it is being looked for right now
};

[[nodiscard]] KEYWAY_API std::string_view to_string(Circuit circuit) noexcept;

/// What happened with a token since it was opened, and what is the case now.
struct KEYWAY_API TokenCounters {
    std::string token;  ///< the label
    std::uint64_t operations = 0;  ///< signatures, decryptions and key agreements that came out
    std::uint64_t repeated = 0;    ///< of these, how many the token may have done more than once
    std::uint64_t verified = 0;    ///< signatures verified before they were handed out
    std::map<std::string, std::uint64_t> failures;  ///< failed calls, by the name of the return value
    std::uint64_t logins = 0;      ///< C_Login that succeeded
    std::uint64_t finds = 0;       ///< keys found, or found again
    std::uint64_t reconnects = 0;  ///< how often the token came back after it was away
    std::uint64_t reloads = 0;     ///< how often its module was finalised and initialised again
    std::uint64_t looks = 0;       ///< how often a token that is away was looked for
    Circuit circuit = Circuit::closed;

    std::uint64_t sessions_opened = 0;
    std::uint64_t sessions_lost = 0;   ///< found gone, or given up after a failure
    std::uint64_t session_waits = 0;   ///< how often a thread had to wait for one
    std::uint64_t sessions_most = 0;
    std::uint64_t sessions_in_use = 0;
    std::uint64_t sessions_idle = 0;
    std::uint64_t threads_waiting = 0;

    /// As text for Prometheus, each line with the label token="...".
    /// @spec OpenMetrics 1.0; Prometheus text format 0.0.4
    [[nodiscard]] std::string to_prometheus() const;
};

}  // namespace keyway::pkcs11
