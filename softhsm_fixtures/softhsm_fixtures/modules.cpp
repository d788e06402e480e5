// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/modules.hpp>

#include <softhsm_fixtures/capability_version_internal.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/kinds_token_internal.hpp>
#include <softhsm_fixtures/modules_data_internal.hpp>

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace softhsm_fixtures {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

[[nodiscard]] std::optional<fs::path> from_environment(const std::string& variable) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') {
        return std::nullopt;
    }
    return value;
}

template <typename Names>
[[nodiscard]] std::string list_of(const Names& names) {
    std::string list;
    for (const auto& name : names) {
        list += (list.empty() ? "" : ", ") + name;
    }
    return list;
}

void check_capability(std::string_view name) {
    const auto& known = known_capabilities();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        throw InvalidOption("there is no capability \"" + std::string(name) + "\"; known are " +
                            list_of(known));
    }
}

/// Why the module, in the version that is installed, is not the one; empty when it is.
[[nodiscard]] std::string unfit_because(const ModuleInfo& module, const std::vector<std::string>& wanted) {
    std::vector<std::string> lacking;
    for (const auto& name : wanted) {
        const auto& all = module.capabilities();
        const auto is_it = [&](const Capability& capability) { return capability.name == name; };
        if (std::none_of(all.begin(), all.end(), is_it)) {
            lacking.push_back(name);
        }
    }
    if (!lacking.empty()) {
        return "lacks " + list_of(lacking);
    }
    if (const auto absent = module.absence_reason()) {
        return *absent;
    }
    if (!internal::depends_on_version(module, wanted)) {
        return {};
    }
    const std::string version = module.installed_version();
    std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(lacking),
                 [&](const std::string& name) { return !module.has(name, version); });
    return lacking.empty() ? "" : "version " + version + " lacks " + list_of(lacking);
}

} // namespace

const std::string& ModuleInfo::name() const noexcept { return data_->name; }
const std::string& ModuleInfo::summary() const noexcept { return data_->summary; }
const std::string& ModuleInfo::variable() const noexcept { return data_->variable; }
const std::vector<std::string>& ModuleInfo::measured() const noexcept { return data_->measured; }
const std::vector<Capability>& ModuleInfo::capabilities() const noexcept { return data_->capabilities; }
const std::vector<Quirk>& ModuleInfo::quirks() const noexcept { return data_->quirks; }

bool ModuleInfo::has(std::string_view capability, std::string_view version) const {
    check_capability(capability);
    return std::any_of(data_->capabilities.begin(), data_->capabilities.end(), [&](const Capability& line) {
        return line.name == capability && internal::in_range(version, line.since, line.until);
    });
}

bool ModuleInfo::has_quirk(std::string_view quirk, std::string_view version) const noexcept {
    return std::any_of(data_->quirks.begin(), data_->quirks.end(), [&](const Quirk& line) {
        return line.name == quirk && internal::in_range(version, line.since, line.until);
    });
}

std::optional<fs::path> ModuleInfo::find() const {
    if (auto wanted = from_environment(data_->variable)) {
        return is_file(*wanted) ? wanted : std::nullopt;
    }
    for (const auto& place : data_->places) {
        if (is_file(place)) {
            return place;
        }
    }
    return std::nullopt;
}

std::string ModuleInfo::installed_version() const {
    return internal::installed_version(*this);
}

std::optional<std::string> ModuleInfo::absence_reason() const {
    if (find()) {
        return internal::token_obstacle(*this);
    }
    if (const auto wanted = from_environment(data_->variable)) {
        return data_->variable + " names \"" + wanted->string() + "\", which is not a file";
    }
    return name() + " is not in any of the " + std::to_string(data_->places.size()) + " usual places; " +
           data_->install_hint + ", or set " + data_->variable + " to the path of the module";
}

const std::vector<ModuleInfo>& known_modules() {
    // Never destroyed, so that a token may go during static destruction.
    static const auto& all = *[] {
        auto* modules = new std::vector<ModuleInfo>; // NOLINT(cppcoreguidelines-owning-memory)
        for (const auto& data : internal::module_data()) {
            modules->emplace_back(data);
        }
        return modules;
    }();
    return all;
}

const ModuleInfo* find_module(std::string_view name) {
    const auto& all = known_modules();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name() == name; });
    return found == all.end() ? nullptr : &*found;
}

const ModuleInfo& require_module(std::string_view name) {
    if (const ModuleInfo* module = find_module(name)) {
        return *module;
    }
    std::vector<std::string> names;
    for (const auto& module : known_modules()) {
        names.push_back(module.name());
    }
    std::string hint;
    if (name.find('/') != std::string_view::npos) {
        hint = "; the path of a module is said by a variable:";
        for (const auto& module : known_modules()) {
            hint += (hint.ends_with(':') ? " " : ", ") + module.variable() + " for " + module.name();
        }
    }
    throw InvalidOption("there is no module \"" + std::string(name) + "\"; known are " + list_of(names) + hint);
}

const std::vector<std::string>& known_capabilities() {
    return internal::capability_names();
}

Choice choose_module(const std::vector<std::string>& capabilities) {
    for (const auto& name : capabilities) {
        check_capability(name);
    }
    Choice choice;
    for (const auto& module : known_modules()) {
        const std::string reason = unfit_because(module, capabilities);
        if (reason.empty()) {
            return {.module = &module, .reason = {}};
        }
        choice.reason += (choice.reason.empty() ? "" : "\n") + module.name() + ": " + reason;
    }
    return choice;
}

} // namespace softhsm_fixtures
