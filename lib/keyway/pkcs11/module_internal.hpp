// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace keyway::pkcs11 {

/// A loaded and initialised PKCS#11 module.
///
/// All users in the process share one; it is finalised when the last of them goes.
/// @threadsafety safe: p11-kit initialises modules with operating system locking
class Module {
public:
    /// @param path_or_name a library's path (with a slash), or the name of a module configured in p11-kit
    /// @throws Errc::token_not_found when it cannot be loaded; Errc::token_failed when it cannot be initialised
    [[nodiscard]] static std::shared_ptr<Module> open(const std::string& path_or_name);

    explicit Module(const std::string& path_or_name);
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;
    ~Module();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] FunctionList& calls() const noexcept { return *calls_; }

    /// All tokens present, initialised or not.
    [[nodiscard]] std::vector<TokenInfo> tokens() const;

    /// @throws Errc::token_not_found when the slot is empty
    [[nodiscard]] TokenInfo token_in(CK_SLOT_ID slot) const;

private:
    std::string name_;
    FunctionList* calls_;

    /// Modules make up their list of slots while they tell it, and some do not lock that (SoftHSM 2.6.1).
    mutable std::mutex slots_;
};

/// True once the process is on its way out: modules must then be left alone, as their own static objects may be gone (a
/// C_* call there crashes SoftHSM, among others). Handles are given up instead; the operating system frees the rest.
[[nodiscard]] bool process_is_exiting() noexcept;

/// Remembers which PINs a token rejected, for the whole process, so that none is tried twice.
/// @threadsafety safe
class RejectedPins {
public:
    [[nodiscard]] static bool contains(const TokenInfo& token, const Secret& pin);
    static void add(const TokenInfo& token, const Secret& pin);
    /// A person gave the token a new PIN: what was wrong may be right now.
    static void forget(const TokenInfo& token);

    /// To be held from looking whether a PIN was rejected until it is known whether it was: or two threads try the same
    /// wrong one.
    [[nodiscard]] static std::unique_lock<std::mutex> lock_logins(const TokenInfo& token);
};

}  // namespace keyway::pkcs11
