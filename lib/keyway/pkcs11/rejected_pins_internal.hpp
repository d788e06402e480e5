// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>
#include <keyway/pkcs11/deadline_internal.hpp>
#include <keyway/pkcs11/timed_mutex_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <mutex>
#include <string_view>

namespace keyway::pkcs11 {

/// Remembers which PINs a token rejected, for the whole process and its forked children, so that none is tried twice.
/// @threadsafety safe
class RejectedPins {
public:
    /// @param user_name empty for a token with one user
    [[nodiscard]] static bool contains(const TokenInfo& token, std::string_view user_name, const Secret& pin);
    static void add(const TokenInfo& token, std::string_view user_name, const Secret& pin);
    /// A person gave the token a new PIN: what was wrong may be right now.
    static void forget(const TokenInfo& token);

    /// To be held from looking whether a PIN was rejected until it is known whether it was: or two threads try the same
    /// wrong one.
    /// @throws Errc::timed_out when somebody else logs in for that long
    [[nodiscard]] static std::unique_lock<TimedMutex> lock_logins(const TokenInfo& token, const Deadline& deadline);
};

}  // namespace keyway::pkcs11
