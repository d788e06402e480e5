// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/secret.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// What a measurement may do.
struct KEYWAY_API ProbeOptions {
    std::function<Secret()> pin;  ///< of the user; asked for once, and only where the token wants a login
    std::string user_name;        ///< whose PIN it is, for tokens with several users (C_LoginUser); empty for the only one

    /// Makes key pairs of the session (CKA_TOKEN false) and signs with them; they are destroyed again. Without, nothing is
    /// made, and how the token signs stays unknown.
    bool make_session_keys = false;

    /// The label of a private key of the token to sign with, to compare it with a session copy of it. Only together with
    /// make_session_keys.
    std::optional<std::string> key_label;

    /// So many sessions are opened, or as many as the token takes; none for 0.
    std::size_t sessions = 0;

    std::size_t repeats = 20;                          ///< of each call that is timed
    std::size_t longest_message = 1024UL * 1024UL;     ///< to look for a data limit, bytes
};

/// How a token answers to one way of signing.
struct KEYWAY_API SigningFinding {
    std::string mechanism;
    std::string key;                 ///< "RSA-2048", "P-256", "Ed25519"
    bool hashes = false;             ///< in the token
    bool listed = false;             ///< by C_GetMechanismList
    bool works = false;              ///< the signature was verified, where the public key could be read
    bool exact_buffer = false;       ///< only with a buffer of the signature's length
    std::string answer;              ///< a return value's name, or "wrong signature"; empty when it was not tried
    std::chrono::nanoseconds time{};  ///< of C_SignInit and C_Sign, the median
};

/// The longest message that C_Sign took.
struct KEYWAY_API DataLimitFinding {
    std::string mechanism;
    std::size_t bytes = 0;
    std::string answer;  ///< to a longer one; empty when all were taken
};

/// How long a call takes, the median.
struct KEYWAY_API CallTime {
    std::string call;
    std::chrono::nanoseconds time{};
};

/// What was found.
struct KEYWAY_API ProbeReport {
    TokenInfo token;
    ModuleInfo module;

    std::optional<std::vector<std::string>> interfaces;  ///< "PKCS 11 3.0"; nothing when there is no C_GetInterfaceList
    std::vector<std::string> mechanisms;                 ///< as listed
    std::vector<SigningFinding> signing;
    std::vector<DataLimitFinding> data_limits;
    std::optional<EcPointForm> ec_point;
    std::optional<EcPointForm> edwards_point;
    TemplateAttributes refused_attributes;
    MissingAttributes missing_attributes;
    bool public_keys_private = false;
    std::string copy_object;            ///< C_CopyObject's answer; empty when it was not tried
    std::optional<double> copy_speed;   ///< how many times faster a session copy of the token's key signs

    std::string state_before_login;  ///< by C_GetSessionInfo: "CKS_RO_PUBLIC_SESSION"
    std::string state_after_login;
    std::string second_login;              ///< C_Login's answer when logged in already; empty when it was not tried
    std::optional<std::size_t> sessions;   ///< how many could be open, with that of the login; nothing when not tried
    std::string session_answer;            ///< to one more; empty when all were opened
    std::vector<CallTime> times;
    std::vector<std::string> notes;        ///< what could not be measured, and why
};

/// Measures a token: what it offers, how it answers, how long it takes.
///
/// @throws Errc::token_not_found, Errc::token_ambiguous; what a login throws; Errc::key_not_found or key_ambiguous for
///         key_label; Errc::token_failed when the token refuses everything
/// @threadsafety as the module; the token should not be in use meanwhile, or the times are others'
[[nodiscard]] KEYWAY_API ProbeReport probe_token(const ModuleName& module,
                                                 const TokenSelector& selector,
                                                 const ProbeOptions& options);

/// What was found, as a profile that the setting `quirks` takes: JSON.
///
/// @param name of the profile
/// @param time of the measurement, for its source: ISO 8601
[[nodiscard]] KEYWAY_API std::string measured_profile(const ProbeReport& report, std::string_view name, std::string_view time);

}  // namespace keyway::pkcs11
