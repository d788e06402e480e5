// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <backends/hsm/hsm_store.hpp>

#include <botan/pk_keys.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::test {

/// A signature by the key verifies with this public key; false when it does not. Errors of the key pass through.
[[nodiscard]] bool signs_as(const Botan::Private_Key& key, const Botan::Public_Key& expected);

/// The same with the key's own public key.
[[nodiscard]] bool signs(const Botan::Private_Key& key);

/// How a piece of work ended, and how long it took.
struct Outcome {
    std::optional<Error> error;
    std::chrono::milliseconds took{0};

    [[nodiscard]] std::string text() const;
};

[[nodiscard]] Outcome outcome_of(const std::function<void()>& work);

/// How many sessions are open in the fault module, found out by a cap on them that is raised until one more can be opened.
/// What was injected before is taken back.
[[nodiscard]] std::size_t open_sessions(const HsmStore& store);

/// A fault's line for the control file: R"({"fault": "return", "function": "C_Sign", ...})".
[[nodiscard]] std::string fault_line(std::string_view fault, std::string_view function, std::string_view more = {});

/// An ECDSA key on P-256 in software, to be stored.
[[nodiscard]] std::unique_ptr<Botan::Private_Key> software_key();

/// A number from the environment, for how long a long test goes on; the default where it is not set.
[[nodiscard]] std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise);

}  // namespace keyway::test
