// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <botan/exceptn.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace keyway {

/// The class of an error. Each has a heading in docs/errors.md and an exit status of the command line.
enum class Errc {
    usage,                 ///< a command or call was put together wrongly
    invalid_option,        ///< an option is unknown, in the wrong place, or its value is malformed
    invalid_argument,      ///< a value given by the caller is not of the form asked for
    secret_unavailable,    ///< a secret source could not be read
    pin_incorrect,         ///< the token rejected the PIN
    pin_locked,            ///< the token's PIN is locked, expired, not set, or one try from being locked
    passphrase_incorrect,  ///< the passphrase does not open the key or the key store
    backend_not_found,     ///< no backend of that alias or type
    token_not_found,       ///< no token fits, or its module cannot be loaded
    token_ambiguous,       ///< more than one token fits
    token_failed,          ///< the token or its module answered with an error
    key_not_found,         ///< no key fits
    key_ambiguous,         ///< more than one key fits
    already_exists,            ///< a key or file of that name is there already
    key_mismatch,          ///< the key found is not the key meant
    malformed_data,        ///< a file, row or object is truncated, foreign or damaged
    permissions_insecure,  ///< a file that holds a key can be read or replaced by others
    unsupported,           ///< the key type, scheme or operation is not offered here
    storage_failed,        ///< the file system or database failed
    timed_out,             ///< a deadline passed while waiting
    outcome_unknown,       ///< a change may have taken place or not: the connection was lost while it was made
    verification_failed,   ///< a signature just made does not verify
    internal,              ///< a fault in Keyway itself
};

/// All error classes, in the order of the enumeration.
[[nodiscard]] KEYWAY_API std::span<const Errc> all_errors() noexcept;

/// The class's name as it stands in docs/errors.md and JSON output, for instance "key_not_found".
[[nodiscard]] KEYWAY_API std::string_view to_string(Errc code) noexcept;

/// Everything Keyway throws.
///
/// The message is one lower-case sentence without a full stop that names the thing in quotes; the hint says what to do
/// next. A cause, where there is one, is nested (std::throw_with_nested).
class KEYWAY_API Error : public Botan::Exception {
public:
    Error(Errc code, std::string message, std::string hint = {});

    [[nodiscard]] Errc code() const noexcept { return code_; }
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

    /// The alias of the backend in which it happened; empty outside of one.
    [[nodiscard]] const std::string& backend() const noexcept { return backend_; }

    /// The PKCS#11 return value by name ("CKR_PIN_INCORRECT"), where one was the cause; else empty.
    [[nodiscard]] const std::string& return_value() const noexcept { return return_value_; }

    [[nodiscard]] Error in_backend(std::string_view alias) const;
    [[nodiscard]] Error with_return_value(std::string_view name) const;

    [[nodiscard]] Botan::ErrorType error_type() const noexcept override;

private:
    Errc code_;
    std::string message_;
    std::string hint_;
    std::string backend_;
    std::string return_value_;
};

/// Puts a name between double quotes for a message, made visible().
[[nodiscard]] KEYWAY_API std::string in_quotes(std::string_view name);

}  // namespace keyway
