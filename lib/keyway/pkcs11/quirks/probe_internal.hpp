// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/object_internal.hpp>
#include <keyway/pkcs11/quirks/probe.hpp>
#include <keyway/pkcs11/session_internal.hpp>

#include <botan/pk_keys.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace keyway::pkcs11 {

/// A session to try things in: one in which a call failed may still be in the middle of it, and is replaced.
class TrialSession {
public:
    TrialSession(std::shared_ptr<const Module> module, CK_SLOT_ID slot, SessionMode mode);

    [[nodiscard]] const Session& session() const noexcept { return *session_; }
    [[nodiscard]] CK_SESSION_HANDLE handle() const noexcept { return session_->handle(); }
    [[nodiscard]] FunctionList& calls() const noexcept { return session_->calls(); }
    void replace();

private:
    std::shared_ptr<const Module> module_;
    CK_SLOT_ID slot_;
    SessionMode mode_;
    std::unique_ptr<Session> session_;
};

/// The kinds of keys that are made to measure with.
enum class ProbedKind { rsa, p256, ed25519 };

/// A key pair of the session; destroyed with it.
struct ProbedKey {
    ProbedKind kind;
    CK_OBJECT_HANDLE public_object = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE private_object = CK_INVALID_HANDLE;
    std::unique_ptr<Botan::Public_Key> public_key;  ///< null when the token does not show it
};

[[nodiscard]] std::string kind_name(ProbedKind kind);

/// Makes the key pairs that the token can make, and notes which attributes it refuses and which it does not give.
///
/// @param session is to live as long as the keys
[[nodiscard]] std::vector<ProbedKey> make_probed_keys(const Session& session, const ProbeOptions& options, ProbeReport& report);

/// The form of a public object's CKA_EC_POINT; nothing when it has none, or one of neither form.
[[nodiscard]] std::optional<EcPointForm> point_form(const Session& session, CK_OBJECT_HANDLE object, bool edwards);

/// Signs in every way with the keys.
void probe_signing(TrialSession& trials,
                   const std::vector<ProbedKey>& keys,
                   const ProbeOptions& options,
                   ProbeReport& report);

/// Copies a key of the session, and where one was named a key of the token, and signs with the copies.
void probe_copies(TrialSession& trials,
                  const std::vector<ProbedKey>& keys,
                  const ProbeOptions& options,
                  ProbeReport& report);

/// The median time of so many calls.
template <typename Call>
[[nodiscard]] std::chrono::nanoseconds median_time(std::size_t repeats, const Call& call);

}  // namespace keyway::pkcs11

#include <algorithm>

template <typename Call>
std::chrono::nanoseconds keyway::pkcs11::median_time(std::size_t repeats, const Call& call) {
    // A stopwatch, which is no clock that tests would want to set.
    using Stopwatch = std::chrono::steady_clock;
    std::vector<std::chrono::nanoseconds> times;
    for(std::size_t i = 0; i < std::max<std::size_t>(repeats, 1); ++i) {
        const auto start = Stopwatch::now();
        call();
        times.push_back(Stopwatch::now() - start);
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
}
