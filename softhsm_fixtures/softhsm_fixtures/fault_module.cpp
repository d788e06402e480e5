// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/fault_module.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <fault/counters.hpp>
#include <fault/plan.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace softhsm_fixtures {

namespace {

namespace fs = std::filesystem;

constexpr std::array all_variables = {"PKCS11_FAULT_MODULE", "PKCS11_FAULT_PLAN",    "PKCS11_FAULT_PROFILE",
                                      "PKCS11_FAULT",        "PKCS11_FAULT_SEED",    "PKCS11_FAULT_LOG",
                                      "PKCS11_FAULT_CONTROL", "PKCS11_FAULT_COUNTERS", "PKCS11_FAULT_INIT_ARGS"};

/// Where this library is, or the program it was linked into.
[[nodiscard]] fs::path own_folder() {
    static const char anchor = 0;
    Dl_info info{};
    if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) {
        return {};
    }
    return fs::absolute(fs::path(info.dli_fname)).parent_path();
}

[[nodiscard]] pkcs11_fault::Function function_named(std::string_view name) {
    if (const auto found = pkcs11_fault::find_function(name)) {
        return *found;
    }
    throw InvalidOption("PKCS#11 has no function \"" + std::string(name) + '"');
}

/// Refuses what the module would refuse, where the test can see it.
void check_plan(const FaultOptions& options, const fs::path& real_module) {
    try {
        if (options.plan) {
            static_cast<void>(pkcs11_fault::parse_plan(*options.plan));
        }
        if (options.profile) {
            bool known = false;
            std::string names;
            for (const auto& profile : pkcs11_fault::known_profiles()) {
                known = known || profile.name == *options.profile;
                names += (names.empty() ? "" : ", ") + profile.name;
            }
            if (!known) {
                throw InvalidOption("there is no profile \"" + *options.profile + "\"; known: " + names);
            }
        }
    } catch (const pkcs11_fault::PlanError& error) {
        throw InvalidOption(error.what());
    }
    std::error_code ignored;
    if (!fs::is_regular_file(real_module, ignored)) {
        throw FixtureError("the module \"" + real_module.string() + "\" is not a file");
    }
}

} // namespace

fs::path find_fault_module(bool old_interface) {
    const std::string name = old_interface ? "libpkcs11-fault-2.40.so" : "libpkcs11-fault.so";
    if (const char* wanted = std::getenv("SOFTHSM_FIXTURES_FAULT_MODULE"); wanted != nullptr && *wanted != '\0') {
        return old_interface ? fs::path(wanted).parent_path() / name : fs::path(wanted);
    }
    std::string searched;
    for (const fs::path& folder :
         {own_folder() / "fault", own_folder() / "softhsm-fixtures", fs::path(SOFTHSM_FIXTURES_FAULT_FOLDER)}) {
        std::error_code ignored;
        if (const auto found = folder / name; fs::is_regular_file(found, ignored)) {
            return fs::canonical(found);
        }
        searched += (searched.empty() ? "\"" : ", \"") + folder.string() + '"';
    }
    throw FixtureError(name + " is not in any of " + searched + "; set SOFTHSM_FIXTURES_FAULT_MODULE to its path");
}

FaultModule::FaultModule(const fs::path& real_module, const FaultOptions& options)
    : path_((check_plan(options, real_module), find_fault_module(options.old_interface))), folder_("pkcs11-fault") {
    for (const char* name : all_variables) {
        const char* const value = std::getenv(name);
        before_.emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
        ::unsetenv(name);
    }
    const auto set = [](const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); };
    set("PKCS11_FAULT_MODULE", fs::absolute(real_module).string());
    set("PKCS11_FAULT_LOG", log_path().string());
    set("PKCS11_FAULT_COUNTERS", counters_path().string());
    set("PKCS11_FAULT_CONTROL", control_path().string());
    if (options.plan) {
        set("PKCS11_FAULT_PLAN", *options.plan);
    }
    if (options.profile) {
        set("PKCS11_FAULT_PROFILE", *options.profile);
    }
    clear();
    zero_.assign(2 * pkcs11_fault::function_count, 0);
}

FaultModule::~FaultModule() {
    for (const auto& [name, value] : before_) {
        if (value) {
            ::setenv(name.c_str(), value->c_str(), 1);
        } else {
            ::unsetenv(name.c_str());
        }
    }
}

void FaultModule::inject(std::string_view line) {
    try {
        static_cast<void>(pkcs11_fault::parse_command(line));
    } catch (const pkcs11_fault::PlanError& error) {
        throw InvalidOption(error.what());
    }
    std::string text(line);
    for (char& character : text) {
        // A line is a line; JSON does not care.
        character = character == '\n' ? ' ' : character;
    }
    std::ofstream file(control_path(), std::ios::app);
    file << text << '\n' << std::flush;
    if (!file) {
        throw FixtureError("cannot write \"" + control_path().string() + '"');
    }
}

void FaultModule::clear() {
    const int file = ::open(control_path().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        throw FixtureError("cannot write \"" + control_path().string() + '"');
    }
    ::close(file);
}

std::uint64_t FaultModule::counter(std::string_view function, std::size_t which) const {
    const std::size_t index = index_of(function_named(function));
    std::ifstream file(counters_path(), std::ios::binary);
    file.seekg(static_cast<std::streamoff>(index * sizeof(pkcs11_fault::Counter) + 40 + which * 8));
    std::uint64_t value = 0;
    file.read(reinterpret_cast<char*>(&value), sizeof value);
    // Without the file no process has loaded the module yet.
    return file ? value - zero_[2 * index + which] : 0;
}

std::uint64_t FaultModule::calls(std::string_view function) const {
    return counter(function, 0);
}

std::uint64_t FaultModule::failed_calls(std::string_view function) const {
    return counter(function, 1);
}

void FaultModule::reset_counters() {
    zero_.assign(zero_.size(), 0);
    auto now = zero_;
    for (std::size_t i = 0; i < pkcs11_fault::function_count; ++i) {
        now[2 * i] = calls(pkcs11_fault::function_names[i]);
        now[2 * i + 1] = failed_calls(pkcs11_fault::function_names[i]);
    }
    zero_ = now;
}

std::vector<std::string> FaultModule::log() const {
    std::vector<std::string> lines;
    std::ifstream file(log_path());
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

} // namespace softhsm_fixtures
