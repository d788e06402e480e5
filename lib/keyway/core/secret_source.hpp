// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/secret.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keyway {

/// Says where a secret is to be read, at the last moment; it never holds the secret.
///
/// As text: `env:NAME`, `file:PATH`, `fd:N` or `prompt:[TEXT]`.
/// @threadsafety immutable
class KEYWAY_API SecretSource {
public:
    enum class Kind { environment, file, descriptor, prompt };

    /// @throws Errc::invalid_option when the text is not one of the forms; the text is not repeated in the message, as
    ///         it may be the secret itself
    [[nodiscard]] static SecretSource parse(std::string_view text);

    [[nodiscard]] Kind kind() const noexcept { return kind_; }

    /// The variable's name, the path, the descriptor's number or the prompt's text.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const SecretSource&, const SecretSource&) = default;

private:
    SecretSource(Kind kind, std::string name);

    Kind kind_;
    std::string name_;
};

/// Reads secrets from their sources; the environment and the terminal are handed in, so that the library uses neither
/// on its own.
/// @threadsafety safe if the two functions are
class KEYWAY_API SecretReader {
public:
    /// The value of an environment variable, or nothing when it is not set.
    using Environment = std::function<std::optional<Secret>(const std::string& name)>;
    /// Asks a person, without echo; nothing when there is nobody to ask.
    using Prompt = std::function<std::optional<Secret>(const std::string& text)>;

    /// A reader for `file:` and `fd:` only.
    SecretReader();
    SecretReader(Environment environment, Prompt prompt);

    /// Reads a secret; one line end behind it is taken off. What came from a descriptor is kept, in wiped memory, by this
    /// reader and its copies: it can be read but once.
    ///
    /// @param what what the secret is, for the message and the prompt ("user PIN of token \"ca\"")
    /// @throws Errc::secret_unavailable when it cannot be read, is empty, or is over 64 KiB
    /// @throws Errc::permissions_insecure when a file can be read by all, written by its group or all, or belongs to
    ///         somebody else than this user and root
    [[nodiscard]] Secret read(const SecretSource& source, std::string_view what) const;

private:
    struct Descriptors;

    Environment environment_;
    Prompt prompt_;
    std::shared_ptr<Descriptors> descriptors_;
};

}  // namespace keyway
