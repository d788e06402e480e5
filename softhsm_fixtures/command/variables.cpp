// SPDX-License-Identifier: BSD-2-Clause
#include "variables.hpp"

#include "text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <regex>

// POSIX declares it in no header.
extern char** environ; // NOLINT(readability-redundant-declaration)

namespace softhsm_fixtures::command {

namespace {

[[nodiscard]] std::string name_of(const std::string& entry) {
    return entry.substr(0, entry.find('='));
}

[[nodiscard]] bool belongs_to_a_fixture(const std::string& name) {
    static const std::regex ours("PKCS11_FAULT(_[A-Z_]+)?|PKCS11_(SO_)?PIN(_FILE)?_[0-9]+|"
                                 "PKCS11_TOKEN_[A-Z]+(_[0-9]+)?|SOFTHSM2_CONF|SOFTHSM_FIXTURE_[A-Z_]+");
    return std::regex_match(name, ours);
}

[[nodiscard]] std::vector<std::string> current_environment() {
    std::vector<std::string> entries;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        entries.emplace_back(*entry);
    }
    return entries;
}

/// The form of $GITHUB_ENV: a value with a line end needs a delimiter that is not in it.
[[nodiscard]] std::string github_line(const std::string& name, const std::string& value) {
    if (value.find('\n') == std::string::npos) {
        return name + '=' + value + '\n';
    }
    std::string delimiter = "END";
    while (value.find(delimiter) != std::string::npos) {
        delimiter += "_END";
    }
    return name + "<<" + delimiter + '\n' + value + '\n' + delimiter + '\n';
}

} // namespace

void Variables::set(const std::string& name, const std::string& value) {
    all_.emplace_back(name, value);
}

bool Variables::has(const std::string& name) const {
    return std::any_of(all_.begin(), all_.end(), [&](const auto& variable) { return variable.first == name; });
}

std::vector<std::string> Variables::left_over() const {
    std::vector<std::string> names;
    for (const auto& entry : current_environment()) {
        if (const auto name = name_of(entry); belongs_to_a_fixture(name) && !has(name)) {
            names.push_back(name);
        }
    }
    return names;
}

std::vector<std::string> Variables::environment() const {
    std::vector<std::string> entries = current_environment();
    std::erase_if(entries, [&](const std::string& entry) {
        const auto name = name_of(entry);
        return has(name) || belongs_to_a_fixture(name);
    });
    for (const auto& [name, value] : all_) {
        entries.push_back(name + '=' + value);
    }
    return entries;
}

std::string Variables::in(Format format) const {
    std::string text;
    if (format == Format::json) {
        nlohmann::ordered_json object = nlohmann::ordered_json::object();
        for (const auto& [name, value] : all_) {
            object[name] = value;
        }
        return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    }
    for (const auto& name : left_over()) {
        if (format == Format::sh) {
            text += "unset " + name + '\n';
        } else if (format == Format::fish) {
            text += "set -e " + name + '\n';
        }
    }
    for (const auto& [name, value] : all_) {
        if (format == Format::sh) {
            text += "export " + name + '=' + quoted_for_sh(value) + '\n';
        } else if (format == Format::fish) {
            text += "set -gx " + name + ' ' + quoted_for_fish(value) + '\n';
        } else {
            text += github_line(name, value);
        }
    }
    return text;
}

} // namespace softhsm_fixtures::command
