// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret_source.hpp>

#include <map>
#include <optional>
#include <string>

namespace keyway::cli {

/// How often a secret is asked for.
enum class Asking {
    once,
    twice,  ///< a new one: a slip of the finger would shut its owner out
};

/// Asks for a secret on the controlling terminal, without echo; nothing when there is none.
/// @throws Errc::secret_unavailable when no answer came, or two different ones
[[nodiscard]] std::optional<Secret> ask(const std::string& question, Asking asking);

/// The questions of one run, each asked once: an answer is kept in wiped memory.
/// @threadsafety not safe
class Questions {
public:
    /// What is asked for from now on is new, or not.
    void set_asking(Asking asking) noexcept { asking_ = asking; }

    [[nodiscard]] std::optional<Secret> answer(const std::string& question);

private:
    Asking asking_ = Asking::once;
    std::map<std::string, Secret> answers_;
};

/// Reads secrets from the environment, files, descriptors, and from whom the prompt asks.
[[nodiscard]] SecretReader secret_reader(SecretReader::Prompt prompt);

/// Whether there is a controlling terminal to ask on.
[[nodiscard]] bool can_ask();

/// Asks a yes-or-no question on the controlling terminal; anything but yes is no.
/// @throws Errc::usage when there is no terminal
[[nodiscard]] bool confirm(const std::string& question);

}  // namespace keyway::cli
