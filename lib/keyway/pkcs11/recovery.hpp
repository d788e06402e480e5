// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>

#include <span>
#include <string_view>

namespace keyway::pkcs11 {

/// What is done about a return value of a PKCS#11 call when a key is used.
enum class Remedy {
    success,         ///< nothing: what was asked for is so
    fatal,           ///< nothing: trying again would end the same way
    reopen_session,  ///< the session is replaced; when the login went with it, log_in too
    log_in,          ///< log in, once, and find the keys again
    find_key,        ///< find the key again; it has to have the same public key
    wait,            ///< look for the token again, with growing pauses, until the deadline
    reload_module,   ///< finalise and initialise the module, at most every 30 s, then as wait
    ask_user,        ///< stop: a person has to do something first
};

/// The remedy's name as it stands in docs/recovery.md: "reopen_session".
[[nodiscard]] KEYWAY_API std::string_view to_string(Remedy remedy) noexcept;

/// What Keyway knows of one return value.
struct ReturnValue {
    unsigned long value;
    std::string_view name;  ///< "CKR_PIN_INCORRECT"
    Remedy remedy;
    Errc code;              ///< the class of the error, when it comes to one
    std::string_view hint;  ///< what to do next; empty for the usual one
};

/// Every return value that PKCS#11 names, in the order of their values. The one table that recovery follows.
/// @spec PKCS#11 3.2 (CKR_ constants)
[[nodiscard]] KEYWAY_API std::span<const ReturnValue> return_values() noexcept;

/// The table's row; null for a value that the standard does not name.
[[nodiscard]] KEYWAY_API const ReturnValue* find_return_value(unsigned long value) noexcept;
[[nodiscard]] KEYWAY_API const ReturnValue* find_return_value(std::string_view name) noexcept;

/// What is done about it; Remedy::fatal for a value that the standard does not name.
[[nodiscard]] KEYWAY_API Remedy remedy_for(unsigned long value) noexcept;

}  // namespace keyway::pkcs11
