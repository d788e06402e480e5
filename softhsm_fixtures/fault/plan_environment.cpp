// SPDX-License-Identifier: BSD-2-Clause
#include "plan.hpp"
#include "plan_faults.hpp"
#include "plan_json.hpp"
#include "plan_members.hpp"
#include "plan_text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

#include <unistd.h>

extern char** environ; // NOLINT: POSIX wants the program to declare it

namespace pkcs11_fault {
namespace {

constexpr std::string_view prefix = "PKCS11_FAULT";

constexpr std::array known_variables = {
    std::string_view("PKCS11_FAULT"),          std::string_view("PKCS11_FAULT_CONTROL"),
    std::string_view("PKCS11_FAULT_COUNTERS"), std::string_view("PKCS11_FAULT_INIT_ARGS"),
    std::string_view("PKCS11_FAULT_LOG"),      std::string_view("PKCS11_FAULT_MODULE"),
    std::string_view("PKCS11_FAULT_PLAN"),     std::string_view("PKCS11_FAULT_PROFILE"),
    std::string_view("PKCS11_FAULT_SEED"),
};

/// Runs what reads a variable or a file, and names that in its error.
template <typename Read> [[nodiscard]] auto naming(const std::string& source, Read read) {
    try {
        return read();
    } catch (const PlanError& error) {
        throw PlanError(source + ": " + error.what());
    }
}

[[nodiscard]] bool is_document(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{';
}

[[nodiscard]] std::string whole_file(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        throw PlanError("cannot read: it is a folder");
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw PlanError("cannot read: " + std::generic_category().message(errno));
    }
    std::string text;
    std::array<char, 4096> part{};
    // One byte more than the parser takes is enough to be refused: no need to read /dev/zero to its end.
    while (text.size() <= largest_document && file.read(part.data(), part.size()).gcount() > 0) {
        text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    }
    if (file.bad()) {
        throw PlanError("cannot read: the file ends in an error");
    }
    return text;
}

[[nodiscard]] std::uint64_t parse_seed(const std::string& text) {
    std::uint64_t seed = 0;
    const auto* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, seed);
    if (result.ec != std::errc() || result.ptr != end) {
        throw PlanError("give " + std::string(description_of(Type::seed)) + ", not " + text::quoted(text));
    }
    return seed;
}

[[nodiscard]] std::vector<std::string> names_between_commas(const std::string& text) {
    std::vector<std::string> names;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const auto comma = std::min(text.find(',', begin), text.size());
        auto name = std::string_view(text).substr(begin, comma - begin);
        const auto first = name.find_first_not_of(" \t");
        const auto last = name.find_last_not_of(" \t");
        names.emplace_back(first == std::string_view::npos ? std::string_view()
                                                           : name.substr(first, last - first + 1));
        begin = comma + 1;
    }
    return names;
}

[[nodiscard]] std::map<std::string, std::string> checked(const Variables& variables) {
    std::map<std::string, std::string> result;
    for (const auto& [name, value] : variables) {
        const bool ours = name == prefix || name.starts_with(std::string(prefix) + "_");
        if (ours && std::ranges::find(known_variables, name) == known_variables.end()) {
            throw PlanError(text::unknown("variable", name, known_variables));
        }
        // As a shell's `PKCS11_FAULT= command` means it.
        if (ours && !value.empty()) {
            result[name] = value;
        }
    }
    return result;
}

} // namespace

Plan read_plan(const std::string& path) {
    return naming("plan " + text::quoted(path), [&] {
        return parse_plan_in(whole_file(path), std::filesystem::path(absolute_path(path, {})).parent_path());
    });
}

Plan plan_from_variables(const Variables& variables) {
    const auto known = checked(variables);
    const auto find = [&](const std::string& name) {
        const auto found = known.find(name);
        return found == known.end() ? std::optional<std::string>() : found->second;
    };

    Plan plan;
    if (const auto given = find("PKCS11_FAULT_PLAN")) {
        plan = is_document(*given) ? naming("PKCS11_FAULT_PLAN", [&] { return parse_plan(*given); })
                                   : read_plan(*given);
    }
    if (const auto given = find("PKCS11_FAULT_PROFILE")) {
        auto faults = naming("PKCS11_FAULT_PROFILE",
                             [&] { return faults_of_profiles(names_between_commas(*given), ""); });
        append(faults, std::move(plan.faults));
        plan.faults = std::move(faults);
    }
    if (const auto given = find("PKCS11_FAULT")) {
        append(plan.faults, naming("PKCS11_FAULT", [&] { return parse_short_form(*given); }));
    }
    if (const auto given = find("PKCS11_FAULT_MODULE")) {
        plan.module = given->find('/') == std::string::npos ? *given : absolute_path(*given, {});
    }
    if (const auto given = find("PKCS11_FAULT_SEED")) {
        plan.seed = naming("PKCS11_FAULT_SEED", [&] { return parse_seed(*given); });
    }
    if (auto given = find("PKCS11_FAULT_INIT_ARGS")) {
        plan.init_arguments = std::move(given);
    }
    const std::pair<const char*, std::optional<std::string>*> paths[] = {
        {"PKCS11_FAULT_LOG", &plan.log},
        {"PKCS11_FAULT_COUNTERS", &plan.counters},
        {"PKCS11_FAULT_CONTROL", &plan.control},
    };
    for (const auto& [name, path] : paths) {
        if (const auto given = find(name)) {
            *path = absolute_path(*given, {});
        }
    }
    if (plan.module.empty()) {
        throw PlanError(
            "no module to stand in front of: set PKCS11_FAULT_MODULE to its path, or \"module\" in the plan");
    }
    return plan;
}

Plan plan_from_environment() {
    Variables variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        const auto equals = variable.find('=');
        if (variable.starts_with(prefix) && equals != std::string_view::npos) {
            variables.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
        }
    }
    return plan_from_variables(variables);
}

} // namespace pkcs11_fault
