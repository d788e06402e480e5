// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace softhsm_fixtures::command {

/// How `softhsm-fixture env` writes them.
enum class Format { sh, fish, json, github };

/// The environment variables a fixture sets, in the order in which they are shown.
class Variables {
public:
    void set(const std::string& name, const std::string& value);

    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }

    /// Those of this process's environment that would be left over from another fixture, as they are not set here.
    [[nodiscard]] std::vector<std::string> left_over() const;

    /// The whole environment of a command: this process's, with the variables set and without the left-over ones.
    [[nodiscard]] std::vector<std::string> environment() const;

    [[nodiscard]] std::string in(Format format) const;

private:
    [[nodiscard]] bool has(const std::string& name) const;

    std::vector<std::pair<std::string, std::string>> all_;
};

} // namespace softhsm_fixtures::command
