// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/secret_source.hpp>
#include <keyway/options/option_spec.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyway {

/// Where a value came from, for messages and explanations.
struct OptionOrigin {
    enum class Kind { call, settings, default_value };
    Kind kind = Kind::call;
    std::string place;  ///< "--hsm-label", "keyway.json: backends.hsm.label"; may be empty

    friend bool operator==(const OptionOrigin&, const OptionOrigin&) = default;
};

/// A value as it was written, before anybody knows which option it is for.
struct RawOption {
    enum class Form { text, number, flag };
    std::string value;
    Form form = Form::text;
    OptionOrigin origin;
};

/// Raw options by name.
using RawOptions = std::map<std::string, RawOption, std::less<>>;

/// Checked values of the options of one backend type. A secret cannot be among them, only its source.
/// @threadsafety reading from several threads is safe
class KEYWAY_API OptionValues {
public:
    using Value = std::variant<std::string, std::filesystem::path, std::uint64_t, bool, SecretSource>;

    struct Entry {
        Value value;
        OptionOrigin origin;

        friend bool operator==(const Entry&, const Entry&) = default;
    };

    OptionValues() = default;

    /// Checks raw options against a table for one phase.
    ///
    /// @param subject what they belong to, for messages (`backend "hsm"`)
    /// @throws Errc::invalid_option when one is unknown, belongs to another phase (the message says which), or its value
    ///         is malformed
    [[nodiscard]] static OptionValues check(const OptionTable& table,
                                            Phase phase,
                                            const RawOptions& raw,
                                            std::string_view subject);

    /// What is wrong with raw options: every fault, where check stops at the first. The options without one are well.
    [[nodiscard]] static std::vector<Error> faults(const OptionTable& table,
                                                   Phase phase,
                                                   const RawOptions& raw,
                                                   std::string_view subject);

    /// Call before settings before default: what is missing here is taken from `settings` and then from the table, as
    /// far as the option belongs to the phase.
    [[nodiscard]] OptionValues completed(const OptionTable& table, Phase phase, const OptionValues& settings) const;

    /// @throws Errc::invalid_option when the value is not of the option's type
    void set(const OptionSpec& option, const RawOption& raw);

    [[nodiscard]] const Entry* find(std::string_view name) const noexcept;
    [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }

    /// The value, or nothing when the option was not given and has no default.
    /// @throws Errc::internal when the option is of another type
    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    [[nodiscard]] std::optional<std::filesystem::path> path(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;  ///< false when not given
    [[nodiscard]] std::optional<SecretSource> secret_source(std::string_view name) const;

    [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const noexcept { return entries_; }

    /// A JSON object of names and values; a secret source stands as its text.
    [[nodiscard]] std::string to_json() const;

    /// The inverse of to_json, in another process say.
    /// @throws Errc::invalid_option as check does; Errc::malformed_data when the text is no JSON object
    [[nodiscard]] static OptionValues from_json(const OptionTable& table,
                                                Phase phase,
                                                std::string_view json,
                                                std::string_view subject);

    friend bool operator==(const OptionValues&, const OptionValues&) = default;

private:
    template <typename T>
    std::optional<T> get(std::string_view name) const;

    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace keyway
