// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/options/option_spec.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// How many values a flag takes.
enum class Takes {
    nothing,
    one,
    many,  ///< one each time the flag is given
};

/// One flag of a command, without the two hyphens in front.
struct Flag {
    std::string name;
    Takes takes = Takes::one;
    std::string value;  ///< what stands for the value in help texts: "FILE"
    std::string help;   ///< one phrase, no full stop
    bool required = false;
    std::vector<std::string> values{};  ///< all that it takes, where they can be listed
};

/// An argument without a flag that a command may have.
struct Positional {
    std::string name;  ///< as in help texts: "REF"
    std::string help;
    bool required = true;
};

/// What was given on the command line for one command, by flag.
/// @threadsafety immutable
class Arguments {
public:
    using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

    Arguments() = default;
    Arguments(Values flags, std::optional<std::string> positional,
              std::optional<std::string> second_positional = std::nullopt);

    [[nodiscard]] bool has(std::string_view flag) const;
    [[nodiscard]] std::optional<std::string> value(std::string_view flag) const;
    [[nodiscard]] const std::vector<std::string>& values(std::string_view flag) const;

    /// All that were given, those of backends among them.
    [[nodiscard]] const Values& flags() const noexcept { return flags_; }

    /// The value of a flag that the command declares as required.
    [[nodiscard]] std::string required(std::string_view flag) const;

    /// @throws Errc::usage when the value is no whole number of that range
    [[nodiscard]] std::optional<unsigned long> number(std::string_view flag, unsigned long least,
                                                      unsigned long most) const;

    [[nodiscard]] const std::optional<std::string>& positional() const noexcept { return positional_; }
    [[nodiscard]] const std::optional<std::string>& second_positional() const noexcept { return second_positional_; }

private:
    Values flags_;
    std::optional<std::string> positional_;
    std::optional<std::string> second_positional_;
};

class Session;

/// One command: its words, its flags, its help and what it does.
struct Command {
    std::string noun;
    std::string verb;
    std::string summary;  ///< one phrase, no full stop
    std::vector<Flag> flags{};
    std::string of_type{};  ///< the type of backend that it is for, where it does nothing in a build without that
    std::optional<Positional> positional{};
    std::optional<Positional> second_positional{};  ///< where there are two
    std::optional<Phase> backend_phase{};  ///< the backend options that it also takes, if any
    std::string details{};                 ///< a paragraph for its help, may be empty
    std::string example;
    bool tells_faults = false;  ///< of the settings, all of them, rather than end at the first
    bool uses_keys = false;  ///< it makes, uses or removes keys, which is recorded where that is asked for
    void (*run)(Session& session, const Arguments& arguments) = nullptr;
};

/// All commands, in the order in which they are shown.
[[nodiscard]] const std::vector<Command>& all_commands();

/// Flags that every command takes.
[[nodiscard]] const std::vector<Flag>& global_flags();

}  // namespace keyway::cli
