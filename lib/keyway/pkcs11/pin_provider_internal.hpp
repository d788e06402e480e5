// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <utility>

namespace keyway::pkcs11 {

/// Reads the user PIN at the moment it is needed.
class PinProvider {
public:
    enum class From {
        source,          ///< the settings: what was wrong once may be wrong again
        person,          ///< asked at that moment, so that a try after a wrong one is somebody's decision
        person_at_risk,  ///< the same, and he knows that a wrong one locks the token
    };

    /// @param read throws Errc::secret_unavailable when there is none
    template <std::invocable Read>
    // NOLINTNEXTLINE(google-explicit-constructor): a function that reads a PIN is a provider
    PinProvider(Read read, From from = From::source) : read_(std::move(read)), from_(from) {}

    /// @param user_name of the user whose PIN it is, for tokens with several users (C_LoginUser); empty for the only one
    template <std::invocable Read>
    PinProvider(Read read, From from, std::string user_name)
        : read_(std::move(read)), from_(from), user_name_(std::move(user_name)) {}

    /// Names the backend whose PIN it is, for hints.
    [[nodiscard]] PinProvider of_backend(std::string alias) && {
        backend_ = std::move(alias);
        return std::move(*this);
    }

    /// The alias; "ALIAS" where none is known.
    [[nodiscard]] const std::string& backend() const noexcept { return backend_; }

    [[nodiscard]] Secret operator()() const { return read_(); }
    [[nodiscard]] const std::string& user_name() const noexcept { return user_name_; }
    [[nodiscard]] bool may_follow_a_wrong_one() const noexcept { return from_ != From::source; }
    [[nodiscard]] bool may_be_the_last_try() const noexcept { return from_ == From::person_at_risk; }

private:
    std::function<Secret()> read_;
    From from_;
    std::string user_name_;
    std::string backend_ = "ALIAS";
};

}  // namespace keyway::pkcs11
