// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

/// Where an option may be given.
enum class Phase : std::uint8_t {
    settings = 1,  ///< in the settings of a backend: where the store is
    create = 2,    ///< when a key is made
    store = 4,     ///< when a key is imported
    use = 8,       ///< when a key is opened, checked, listed or removed
    adopt = 16,    ///< when a key that is in the store already is taken in
};

/// "settings", "create", "store", "use" or "adopt".
[[nodiscard]] KEYWAY_API std::string_view to_string(Phase phase) noexcept;

/// A set of phases.
class Phases {
public:
    constexpr Phases(std::initializer_list<Phase> phases) noexcept {
        for(const auto phase : phases) {
            bits_ |= static_cast<unsigned>(phase);
        }
    }

    [[nodiscard]] constexpr bool contains(Phase phase) const noexcept {
        return (bits_ & static_cast<unsigned>(phase)) != 0;
    }

    friend constexpr bool operator==(const Phases&, const Phases&) noexcept = default;

private:
    unsigned bits_ = 0;
};

/// The form of an option's value.
enum class OptionType {
    text,
    path,
    number,         ///< a whole number, not negative
    flag,           ///< true or false
    secret_source,  ///< env:NAME, file:PATH, fd:N or prompt:, never the secret
};

/// "text", "path", "number", "flag" or "secret-source".
[[nodiscard]] KEYWAY_API std::string_view to_string(OptionType type) noexcept;

/// One option of a backend: from it come the check of settings, the flags of the command line and the documentation.
struct OptionSpec {
    std::string name;                          ///< lower case with hyphens: "user-pin"
    OptionType type = OptionType::text;
    Phases phases = {};
    std::optional<std::string> default_value;  ///< as text
    std::string help;                          ///< one sentence, no full stop
    std::vector<std::string> values{};         ///< all values of a text, where they can be listed: for completion
};

/// All options of one backend type, in the order in which they are shown.
/// @threadsafety immutable
class KEYWAY_API OptionTable {
public:
    /// @throws Errc::internal when a name stands twice, has other characters than a-z, 0-9 and hyphens, or a default
    ///         value is not of the option's type
    OptionTable(std::initializer_list<OptionSpec> options);

    [[nodiscard]] const OptionSpec* find(std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<OptionSpec>& options() const noexcept { return options_; }

private:
    std::vector<OptionSpec> options_;
};

}  // namespace keyway
