// SPDX-License-Identifier: BSD-2-Clause
#include "listings.hpp"

#include "failure.hpp"
#include "files.hpp"
#include "folders.hpp"
#include "places.hpp"
#include "text.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/modules.hpp>

#include <fault/counters.hpp>
#include <fault/plan.hpp>
#include <fault/plan_schema.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

namespace softhsm_fixtures::command {

namespace {

using nlohmann::ordered_json;

void print(const ordered_json& value) {
    std::printf("%s\n", value.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

[[nodiscard]] ordered_json described(std::span<const pkcs11_fault::Member> members) {
    ordered_json list = ordered_json::array();
    for (const auto& member : members) {
        list.push_back({{"name", member.name},
                        {"takes", pkcs11_fault::description_of(member.type)},
                        {"required", member.required},
                        {"default", member.fallback.empty() ? ordered_json() : ordered_json(member.fallback)},
                        {"meaning", member.meaning}});
    }
    return list;
}

/// An entry with the versions that it is about.
template <typename Line>
[[nodiscard]] ordered_json ranged(ordered_json entry, const Line& line) {
    entry["since"] = line.since.empty() ? ordered_json() : ordered_json(line.since);
    entry["until"] = line.until.empty() ? ordered_json() : ordered_json(line.until);
    return entry;
}

/// How often a function was called, failed, and was made to fail.
struct NamedCounts {
    std::string name;
    std::array<std::uint64_t, 3> numbers;
};

void print_counts(const std::vector<NamedCounts>& counted, bool all, Listing form) {
    ordered_json list = ordered_json::object();
    for (const auto& [name, numbers] : counted) {
        const auto [calls, failed, injected] = numbers;
        if (form == Listing::text && (calls != 0 || all)) {
            std::printf("%-32s %10llu calls %10llu failed %10llu injected\n", name.c_str(),
                        static_cast<unsigned long long>(calls), static_cast<unsigned long long>(failed),
                        static_cast<unsigned long long>(injected));
        }
        list[name] = {{"calls", calls}, {"failed", failed}, {"injected", injected}};
    }
    if (form == Listing::json) {
        print(list);
    }
}

/// The version that is installed; empty when it cannot be learnt, which is not what a listing is for.
[[nodiscard]] std::string version_of(const ModuleInfo& module) {
    try {
        return module.installed_version();
    } catch (const FixtureError&) {
        return {};
    }
}

void print_faults() {
    std::fputs(pkcs11_fault::describe_faults().c_str(), stdout);
    std::fputs("\nA plan:      {\"faults\": [{\"fault\": \"return\", \"function\": \"C_Sign\", \"rv\": \"CKR_DEVICE_ERROR\", \"at\": 3}]}\n"
               "Short form:  return function=C_Sign rv=CKR_DEVICE_ERROR at=3; slow ms=10\n",
               stdout);
}

} // namespace

void list_folders(Listing form) {
    ordered_json list = ordered_json::array();
    for (const auto& folder : fixture_folders()) {
        ordered_json entry = {{"folder", folder.path.string()},
                              {"state", name_of(folder.state)},
                              {"changed", folder.changed},
                              {"module", nullptr},
                              {"process", nullptr},
                              {"tokens", ordered_json::array()}};
        std::string labels;
        if (folder.record) {
            entry["module"] = folder.record->module.string();
            if (folder.state == FolderState::in_use) {
                entry["process"] = folder.record->process;
            }
            for (const auto& token : folder.record->tokens) {
                entry["tokens"].push_back({{"label", token.label}, {"serial", token.serial}});
                labels += ' ' + shown_in_quotes(token.label);
            }
        }
        if (form == Listing::text) {
            std::printf("%-7s  %s  %s %s\n", std::string(name_of(folder.state)).c_str(), folder.changed.c_str(),
                        folder.path.c_str(), labels.c_str());
        }
        list.push_back(std::move(entry));
    }
    if (form == Listing::json) {
        print(list);
    }
}

void list_modules(Listing form) {
    const HelperPointer helper; // to learn the version, a module is asked
    ordered_json list = ordered_json::array();
    for (const auto& module : known_modules()) {
        const auto path = module.find();
        const auto absence = module.absence_reason();
        const std::string version = absence ? std::string() : version_of(module);
        ordered_json capabilities = ordered_json::array();
        std::string names;
        for (const auto& capability : module.capabilities()) {
            const bool here = module.has(capability.name, version);
            capabilities.push_back(ranged({{"name", capability.name}, {"reason", capability.reason}}, capability));
            capabilities.back()["here"] = absence ? ordered_json() : ordered_json(here);
            names += here ? ' ' + capability.name : "";
        }
        ordered_json quirks = ordered_json::array();
        std::string quirk_lines;
        for (const auto& quirk : module.quirks()) {
            const bool here = module.has_quirk(quirk.name, version);
            quirks.push_back(ranged({{"name", quirk.name}, {"reason", quirk.reason}, {"source", quirk.source}}, quirk));
            quirks.back()["here"] = absence ? ordered_json() : ordered_json(here);
            quirk_lines += here ? "  quirk " + quirk.name + ": " + quirk.reason + '\n' : "";
        }
        list.push_back({{"name", module.name()},
                        {"summary", module.summary()},
                        {"variable", module.variable()},
                        {"path", path ? ordered_json(path->string()) : ordered_json()},
                        {"usable", !absence},
                        {"version", version.empty() ? ordered_json() : ordered_json(version)},
                        {"absence", absence ? ordered_json(*absence) : ordered_json()},
                        {"capabilities", capabilities},
                        {"quirks", quirks}});
        if (form == Listing::text) {
            const std::string where = absence ? "not usable: " + *absence
                                              : path->string() + (version.empty() ? "" : ", version " + version);
            std::printf("%s: %s\n  %s\n  capabilities%s:%s\n%s", module.name().c_str(), module.summary().c_str(),
                        where.c_str(), version.empty() ? " of the newest version" : "", names.c_str(), quirk_lines.c_str());
        }
    }
    if (form == Listing::json) {
        print({{"modules", list}, {"capabilities", known_capabilities()}});
    }
}

void list_counters(const CountersRequest& request, Listing form) {
    using pkcs11_fault::Counter;
    std::error_code ignored;
    const bool absent = request.may_be_absent && !std::filesystem::exists(request.file, ignored);
    const std::string data = absent ? std::string() : read_file(request.file, "file of counters");
    const auto refuse = [&] {
        throw Failure(Status::failed, '"' + request.file.string() + "\" holds no counters of the fault module");
    };
    if (!absent && (data.empty() || data.size() % sizeof(Counter) != 0)) {
        refuse();
    }
    std::vector<NamedCounts> counted;
    for (std::size_t begin = 0; begin < data.size(); begin += sizeof(Counter)) {
        NamedCounts one{.name = data.substr(begin, sizeof(Counter::name)).c_str(), .numbers = {}};
        std::memcpy(one.numbers.data(), data.data() + begin + sizeof(Counter::name), sizeof one.numbers);
        if (one.name.starts_with('(')) {
            continue; // the module's own
        }
        if (!pkcs11_fault::find_function(one.name)) {
            refuse();
        }
        counted.push_back(std::move(one));
    }
    if (absent) {
        for (const auto name : pkcs11_fault::function_names) {
            counted.push_back({.name = std::string(name), .numbers = {}});
        }
    }
    print_counts(counted, request.all, form);
}

void list_faults(Listing form) {
    if (form == Listing::text) {
        print_faults();
        return;
    }
    ordered_json list = ordered_json::array();
    for (const auto& fault : pkcs11_fault::fault_descriptions()) {
        list.push_back({{"name", fault.name},
                        {"meaning", fault.meaning},
                        {"example", fault.example},
                        {"at-calls", fault.comes_at_calls},
                        {"members", described(fault.members)}});
    }
    print({{"faults", list}, {"at-calls", described(pkcs11_fault::trigger_members())}});
}

void list_profiles(Listing form) {
    ordered_json list = ordered_json::array();
    for (const auto& profile : pkcs11_fault::known_profiles()) {
        if (form == Listing::text) {
            std::printf("%-20s  %s\n", profile.name.c_str(), profile.summary.c_str());
        }
        list.push_back(ordered_json::parse(profile.json));
    }
    if (form == Listing::json) {
        print(list);
    }
}

} // namespace softhsm_fixtures::command
