// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/modules.hpp>

#include <map>
#include <set>
#include <string>

namespace measured {

/// What was found out: whether the module does it, and in what words it does not.
struct Answer {
    bool yes = false;
    std::string reason; ///< of a "no": a function and its return value, or what came out; else empty
};

/// The answers by name, without those that could not be given.
struct Answers {
    std::map<std::string, Answer> capabilities;
    std::map<std::string, Answer> quirks;
};

/// What the probe can measure, from its own list.
struct Measurable {
    std::set<std::string> capabilities;
    std::set<std::string> quirks;
};
[[nodiscard]] Measurable measurable();

/// Measures all of it, each in a process of its own; a crash is a "no".
[[nodiscard]] Answers measure(const softhsm_fixtures::ModuleInfo& module);

} // namespace measured
